"""What an adversary brings: regression, adversarial training, and NoGAN on like networks.

    python benchmarks/run_all.py --suite adversarial --photos DIR --budget 90000 --out runs/gan

A discriminator finds out muted colors, so that a generator which has to pass for true colors more
boldly; it pays for that in the errors that a regression minimizes. `nogan` ends by itself where its
colors turn from better to worse, and so may see fewer photos than the budget allows.

Cost: `compact` sees up to 25 photos a second on two idle processor cores, so 90,000 take an hour a
row and more; `--preset scratch` is about twice as fast.

Expect both to be more colorful than the regression and nearer to the true photos, with some of its
accuracy lost. With `scratch`, after 90,000 views of 9,968 photos of scenes (79,000 of `nogan`),
scored on 1,145 others whose colorfulness was 37.5,

    row               AuC     ab RMSE   colorfulness
    gray              0.900   14.5       0.0
    mse_regression    0.923   11.1      23.6
    gan               0.921   11.4      27.4
    nogan             0.916   12.2      26.4

and the paired differences to the regression excluded zero in all of these.
"""

from benchmarks.suites import Row

ROWS = (Row("gray"), Row("mse_regression"), Row("gan"), Row("nogan"))
