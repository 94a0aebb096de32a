"""The interface: what people type and what they are shown."""
