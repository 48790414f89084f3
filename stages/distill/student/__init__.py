"""The small model: tokenizing, batches, losses, training, checkpoints, predicting; one class a kind of model."""
