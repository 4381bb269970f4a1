"""What an embedding of the whole photo brings: the fusion model with one, without, and regression.

    python benchmarks/run_all.py --suite fusion --photos DIR --budget 90000 --out runs/fusion
    python benchmarks/run_all.py --suite fusion --set fusion.embedding=hub:MODULE --photos DIR ...

The first line asks it of the pretrained encoder's classes (with `--preset scratch` of features that
are trained along), the second of another classifier, here a TF Hub module in a folder. The row
without an embedding is the same network, fed with zeros; `mse_regression` in the same preset is the
same network without the place for one.

Cost: `compact` sees about 25 photos a second on two idle processor cores, so 90,000 take an hour
a row; before that, a pretrained classifier embeds each photo and its mirror
image once.

Expect an embedding to help. With `scratch` and the 1,001 logits of a MobileNet-v2, after 54,000
views of 9,968 photos of scenes, ab RMSE on 1,145 others was 10.8, without embedding 11.3, of the
regression 11.2, and of gray 14.5.
"""

from benchmarks.suites import Row

ROWS = (
    Row("gray"),
    Row("mse_regression"),
    Row("fusion"),
    Row("fusion", "fusion without embedding", config={"embedding": "zeros"}),
)
