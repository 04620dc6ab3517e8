"""How `cmwru-strip` is taught on real texture and on simulated strips, and how that is measured."""
