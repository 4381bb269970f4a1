"""The ablation of Zhang, Isola and Efros 2016 (arXiv 1603.08511, table 1): what makes it colorful?

    python benchmarks/run_all.py --suite ablation --photos DIR --budget 200000 --out runs/ablation
    python benchmarks/run_all.py --suite ablation --preset paper --size 176 --photos DIR ...

Three trainings that differ in their loss, and in the width of the last layer that it asks for: a
squared error, cross-entropy over 313 bins of ab, and the same with rare colors counting more.
Network, optimizer, photos and budget are the same, those of `zhang` in the preset asked for.

Cost: `compact` sees about 25 photos a second on two idle processor cores, so the first line takes
about seven hours; `paper` wants a GPU. A budget in photos, not in time, is the same for every row.
Without --photos it runs on the sample photos, which are too few to tell the rows apart.

The paper's own figures, in percent, for networks trained on ImageNet and 10,000 of its validation
photos. They are for orientation, never a column beside ours: data and training differ.

    row                           AuC     class-rebalanced AuC
    gray                          89.1    58.0
    L2 regression                 91.2    64.4
    classification                91.6    65.1
    classification, rebalanced    89.5    67.3

By plain AuC muted answers win, and gray comes close to them. `scratch`, with lambda 0.7, on 90,000
views of 9,968 photos of scenes, scored on 1,145 others, gave (with colors counted in the scored
photos, as protocol 2 did)

    gray                          90.0    61.2
    L2 regression                 92.1    69.9
    classification                92.2    66.6
    classification, rebalanced    90.8    71.5

which is the paper's order but for the last column of the middle rows: at such a budget plain
classification is still the most muted.
"""

from benchmarks.suites import Row

ROWS = (
    Row("gray"),
    Row("mse_regression", "L2 regression", like="zhang"),
    Row("zhang", "classification", config={"loss": "plain"}),
    Row("zhang", "classification, rebalanced", config={"loss": "rebalanced"}),
)
