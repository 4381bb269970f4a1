"""Both steps of a prediction at once, for tests."""


def ab_of(model, lightness, **options):
    return model.decode(model.predict({"lightness": lightness}, **options), **options)


def shares_of(model, lightness, **options):
    return model.predict({"lightness": lightness}, **options).probabilities()
