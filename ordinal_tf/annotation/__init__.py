"""The paper's annotation procedure: which of two joints is closer?

`sorting` chooses the questions, `agreement` compares annotators, `simulated`
is an annotator who errs; `journal`, `project` and `layouts` keep and write
what people said. Who asks and shows is `ordinal_tf.web`.
"""
