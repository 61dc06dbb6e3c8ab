"""LiteRT (TensorFlow Lite) files of an exported model."""
