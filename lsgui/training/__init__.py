"""The paper's recipe and training on real texture."""
