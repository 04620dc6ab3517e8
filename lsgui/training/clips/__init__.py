"""The paper's recipe for networks on pictures and flow."""
