"""The ONNX export of the model that is handed over, and the check that it answers alike."""
