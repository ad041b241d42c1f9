"""The scikit-learn models that sklearn_models.py exports, trained on small made-up data."""

from dataclasses import dataclass
from typing import Any, Callable

import numpy as np
from sklearn import (
    calibration, cross_decomposition, datasets, discriminant_analysis, ensemble, gaussian_process,
    linear_model, multiclass, multioutput, naive_bayes, neighbors, neural_network, pipeline,
    preprocessing, svm, tree)

ROWS = 40


@dataclass
class Case:
    name: str
    model: Any
    inputs: dict
    # What scikit-learn is asked with; rows match the inputs'.
    table: Any
    opset: int = 18
    ml: int = 3
    options: dict | None = None
    rtol: float | None = None
    atol: float | None = None
    ties: bool = True
    results: Callable | None = None


def blobs(classes=3, features=5, n=160, seed=0, spread=1.6):
    x, y = datasets.make_blobs(
        n, features, centers=classes, cluster_std=spread * 2, random_state=seed)
    return x.astype(np.float32), y


def named(y):
    return np.array(["red", "green", "blue", "white"])[y]


def curve(features=4, n=160, seed=1):
    r = np.random.RandomState(seed)
    x = r.randn(n, features).astype(np.float32)
    y = x @ r.randn(features) + np.sin(2 * x[:, 0]) + 0.1 * r.randn(n) + 1.5
    return x, y


def probe(x, seed=9):
    """New rows near those of training."""
    r = np.random.RandomState(seed)
    rows = x[r.randint(0, len(x), ROWS)]
    return (rows + 0.25 * x.std(0) * r.randn(*rows.shape)).astype(np.float32)


def matrix(name, model, x, **more):
    return Case(name, model, {"X": x}, x, **more)


def classifier(name, model, classes=3, zipmap=False, texts=False, x=None, y=None, **more):
    if x is None:
        x, y = blobs(classes)
    model.fit(x, named(y) if texts else y)
    options = dict(more.pop("options", {}))
    if zipmap is not None and not zipmap:
        options["zipmap"] = False
    new = more.pop("probe", None)
    return matrix(name, model, probe(x) if new is None else new, options=options or None, **more)


def regressor(name, model, targets=1, **more):
    x, y = curve()
    if targets > 1:
        y = np.stack([y, x[:, 0] - x[:, 1]], 1)
    model.fit(x, y)
    return matrix(name, model, probe(x), **more)


def transformer(name, model, x=None, y=None, **more):
    if x is None:
        x, y = blobs(4, 5)
    model.fit(x, y)
    new = more.pop("probe", None)
    return matrix(name, model, probe(x) if new is None else new, ties=False, **more)


def with_gaps(x, seed=3):
    x = x.copy()
    x[np.random.RandomState(seed).rand(*x.shape) < 0.2] = np.nan
    return x


def linear_classifiers():
    lm = linear_model
    for opset, ml in ((12, 1), (13, 2), (15, 3), (18, 3), (21, 4), (22, 4)):
        yield classifier(
            f"logistic_binary_opset{opset}_ml{ml}", lm.LogisticRegression(), 2, opset=opset, ml=ml,
            zipmap=ml % 2 == 1)
        yield classifier(
            f"logistic_multinomial_opset{opset}_ml{ml}", lm.LogisticRegression(), 3, opset=opset,
            ml=ml, texts=ml % 2 == 0, zipmap=ml % 2 == 0)
    yield classifier(
        "logistic_ovr", multiclass.OneVsRestClassifier(lm.LogisticRegression()), 4)
    yield classifier(
        "logistic_ovr_liblinear", multiclass.OneVsRestClassifier(
            lm.LogisticRegression(solver="liblinear", intercept_scaling=2)), 3, texts=True)
    yield classifier("logistic_no_intercept", lm.LogisticRegression(fit_intercept=False), 3)
    yield classifier("logistic_strings_zipmap", lm.LogisticRegression(), 2, texts=True, zipmap=True)
    yield classifier("logistic_cv", lm.LogisticRegressionCV(Cs=3, cv=3), 3)
    yield classifier("logistic_raw", lm.LogisticRegression(), 3, options={"raw_scores": True},
                     results=lambda m, x, n: m.predict(x) if "label" in n else m.decision_function(x))
    yield classifier("ridge_classifier", lm.RidgeClassifier(), 3, options={},
                     results=lambda m, x, n: m.predict(x) if "label" in n else m.decision_function(x))
    yield classifier("sgd_log", lm.SGDClassifier(loss="log_loss", random_state=0), 3)
    yield classifier("sgd_modified_huber", lm.SGDClassifier(
        loss="modified_huber", random_state=0), 2)
    yield classifier("perceptron", lm.Perceptron(random_state=0), 3,
                     results=lambda m, x, n: m.predict(x) if "label" in n else m.decision_function(x))
    x, y = blobs(3)
    yield classifier(
        "logistic_scaled_pipeline",
        pipeline.make_pipeline(preprocessing.StandardScaler(), lm.LogisticRegression()), 3)
    yield classifier(
        "logistic_int64_input", lm.LogisticRegression(), x=np.round(x).astype(np.int64), y=y,
        probe=np.round(probe(x)).astype(np.int64))
    yield classifier(
        "logistic_float64_input", lm.LogisticRegression(), x=x.astype(np.float64), y=y,
        probe=probe(x).astype(np.float64))


def regressors():
    lm = linear_model
    for ml in (1, 3):
        yield regressor(f"linear_ml{ml}", lm.LinearRegression(), ml=ml, opset=12 + 2 * ml)
    yield regressor("linear_two_targets", lm.LinearRegression(), 2)
    for name, model in (
        ("ridge", lm.Ridge()), ("lasso", lm.Lasso(0.05)), ("elastic", lm.ElasticNet(0.05)),
        ("bayesian_ridge", lm.BayesianRidge()), ("ard", lm.ARDRegression()),
        ("huber", lm.HuberRegressor()), ("lars", lm.Lars()), ("lasso_lars", lm.LassoLars(0.01)),
        ("omp", lm.OrthogonalMatchingPursuit()), ("ransac", lm.RANSACRegressor(random_state=0)),
        ("theil_sen", lm.TheilSenRegressor(random_state=0)), ("quantile", lm.QuantileRegressor()),
        ("sgd_regressor", lm.SGDRegressor(random_state=0)),
        ("linear_svr", svm.LinearSVR(random_state=0)),
        ("mlp_regressor", neural_network.MLPRegressor(
            hidden_layer_sizes=(12,), random_state=0, max_iter=300)),
        ("knn_regressor", neighbors.KNeighborsRegressor(4)),
        ("knn_regressor_distance", neighbors.KNeighborsRegressor(3, weights="distance")),
        ("radius_regressor", neighbors.RadiusNeighborsRegressor(3.0)),
        ("gpr", gaussian_process.GaussianProcessRegressor(
            gaussian_process.kernels.RBF(1.5), alpha=0.3)),
        ("pls", cross_decomposition.PLSRegression(2)),
        ("decision_tree_regressor", tree.DecisionTreeRegressor(max_depth=5, random_state=0)),
        ("extra_tree_regressor", tree.ExtraTreeRegressor(max_depth=5, random_state=0)),
        ("random_forest_regressor", ensemble.RandomForestRegressor(8, max_depth=5, random_state=0)),
        ("extra_trees_regressor", ensemble.ExtraTreesRegressor(8, max_depth=5, random_state=0)),
        ("gradient_boosting_regressor", ensemble.GradientBoostingRegressor(
            n_estimators=12, random_state=0)),
        ("hist_gradient_boosting_regressor", ensemble.HistGradientBoostingRegressor(max_iter=12)),
        ("adaboost_regressor", ensemble.AdaBoostRegressor(n_estimators=6, random_state=0)),
        ("bagging_regressor", ensemble.BaggingRegressor(n_estimators=6, random_state=0)),
        ("voting_regressor", ensemble.VotingRegressor(
            [("a", lm.Ridge()), ("b", lm.LinearRegression())])),
        ("voting_regressor_trees", ensemble.VotingRegressor(
            [("a", lm.Ridge()), ("b", tree.DecisionTreeRegressor(max_depth=3))])),
        ("stacking_regressor", ensemble.StackingRegressor(
            [("a", lm.Ridge()), ("b", svm.SVR())])),
        ("poisson", pipeline.make_pipeline(
            preprocessing.StandardScaler(), lm.PoissonRegressor())),
        ("tweedie", lm.TweedieRegressor(power=0)),
    ):
        if name == "poisson":
            x, y = curve()
            yield matrix(name, model.fit(x, np.exp(y / 4)), probe(x))
        else:
            yield regressor(name, model)
    yield regressor("multi_output", multioutput.MultiOutputRegressor(lm.Ridge()), 2)
    yield regressor("knn_two_targets", neighbors.KNeighborsRegressor(3), 2)
    yield regressor("random_forest_two_targets", ensemble.RandomForestRegressor(
        5, max_depth=4, random_state=0), 2)


def vector_machines():
    kernels = {
        "linear": {}, "rbf": {}, "rbf_wide": {"kernel": "rbf", "gamma": 0.02},
        "poly": {"degree": 3, "coef0": 1.0, "gamma": 0.05}, "poly2": {
            "kernel": "poly", "degree": 2, "gamma": 0.05},
        "poly4": {"kernel": "poly", "degree": 4, "coef0": 0.5, "gamma": 0.05},
        "sigmoid": {"gamma": 0.01, "coef0": -0.1}}
    scale = preprocessing.StandardScaler
    for name, more in kernels.items():
        kernel = {"kernel": name} | more
        for classes in (2, 3, 4):
            yield classifier(
                f"svc_{name}_{classes}", svm.SVC(**kernel), classes,
                texts=classes == 4, ml=1 if classes == 2 else 3, results=svc_scores)
            yield classifier(
                f"svc_{name}_{classes}_probability",
                svm.SVC(probability=True, random_state=0, **kernel), classes, texts=classes == 3,
                zipmap=classes == 4)
        yield classifier(f"nusvc_{name}", svm.NuSVC(nu=0.2, **kernel), 3, results=svc_scores)
        yield regressor(f"svr_{name}", svm.SVR(**kernel))
        yield regressor(f"nusvr_{name}", svm.NuSVR(**kernel))
        x, _ = blobs(2)
        m = svm.OneClassSVM(nu=0.2, **kernel).fit(x)
        p = probe(x)
        keep = np.abs(m.decision_function(p)) > 1e-3
        yield matrix(f"one_class_svm_{name}", m, p[keep], ties=False)
    yield classifier("svc_ovo", svm.SVC(decision_function_shape="ovo"), 4, results=svc_scores)
    yield classifier("nusvc_probability", svm.NuSVC(nu=0.2, probability=True, random_state=0), 3)
    yield classifier("svc_scaled_pipeline", pipeline.make_pipeline(
        scale(), svm.SVC(probability=True, random_state=0)), 3)
    for classes in (2, 3):
        yield classifier(f"linear_svc_{classes}", svm.LinearSVC(random_state=0), classes,
                         texts=classes == 3, zipmap=None, options={"raw_scores": True},
                         results=svc_scores)


def svc_scores(m, x, name):
    if "label" in name:
        return m.predict(x)
    s = m.decision_function(x)
    if s.ndim > 1:
        return s
    # SVMClassifier's two scores are for the first class against the second, and negated.
    return np.stack([s, -s] if isinstance(m, svm.SVC) else [-s, s], 1)


def only_labels(m, x, name):
    return m.predict(x) if "label" in name else None


def other_classifiers():
    x, y = blobs(3)
    counts = np.random.RandomState(2).poisson(2 + 3 * np.eye(3)[y].repeat(2, 1)).astype(np.float32)
    bits = (counts > 3).astype(np.float32)
    seen = slice(0, ROWS)
    nb = naive_bayes
    yield classifier("gaussian_nb", nb.GaussianNB(), 3)
    yield classifier("gaussian_nb_zipmap", nb.GaussianNB(), 2, zipmap=True, texts=True)
    yield classifier("bernoulli_nb", nb.BernoulliNB(), x=bits, y=y, probe=bits[seen])
    yield classifier("bernoulli_nb_binarize", nb.BernoulliNB(binarize=2.5), x=counts, y=y,
                     probe=counts[seen])
    yield classifier("multinomial_nb", nb.MultinomialNB(), x=counts, y=y, probe=counts[seen])
    yield classifier("complement_nb", nb.ComplementNB(), x=counts, y=y, probe=counts[seen])
    yield classifier("categorical_nb", nb.CategoricalNB(min_categories=12),
                     x=np.minimum(counts, 11).astype(np.int64), y=y,
                     probe=np.minimum(counts, 11).astype(np.int64)[seen])
    for weights in ("uniform", "distance"):
        yield classifier(f"knn_{weights}", neighbors.KNeighborsClassifier(5, weights=weights), 3,
                         texts=weights == "distance")
    yield classifier("knn_manhattan", neighbors.KNeighborsClassifier(3, metric="manhattan"), 3)
    yield classifier("knn_minkowski", neighbors.KNeighborsClassifier(3, p=3), 2, zipmap=True)
    yield classifier("radius_neighbors", neighbors.RadiusNeighborsClassifier(12.0), 2)
    for act in ("relu", "tanh", "logistic", "identity"):
        yield classifier(f"mlp_{act}", neural_network.MLPClassifier(
            (10, 6), activation=act, max_iter=200, random_state=0), 3, texts=act == "tanh")
    yield classifier("mlp_binary", neural_network.MLPClassifier(
        (8,), max_iter=200, random_state=0), 2, zipmap=True)
    da = discriminant_analysis
    yield classifier("lda", da.LinearDiscriminantAnalysis(), 3)
    yield classifier("lda_binary", da.LinearDiscriminantAnalysis(), 2, texts=True, zipmap=True)
    yield classifier("qda", da.QuadraticDiscriminantAnalysis(), 3)
    lr = linear_model.LogisticRegression
    for method in ("sigmoid", "isotonic"):
        yield classifier(f"calibrated_{method}", calibration.CalibratedClassifierCV(
            naive_bayes.GaussianNB(), method=method, cv=2), 3)
    yield classifier("calibrated_linear_svc", calibration.CalibratedClassifierCV(
        svm.LinearSVC(random_state=0), cv=2), 2)
    yield classifier("calibrated_svc", calibration.CalibratedClassifierCV(svm.SVC(), cv=2), 3)
    yield classifier("ovr_svc", multiclass.OneVsRestClassifier(svm.LinearSVC(random_state=0)), 3,
                     results=only_labels)
    yield classifier("ovo_logistic", multiclass.OneVsOneClassifier(lr()), 3, results=svc_scores)
    two = [("a", lr()), ("b", naive_bayes.GaussianNB())]
    for voting in ("soft", "hard"):
        m = ensemble.VotingClassifier(two, voting=voting, flatten_transform=False)
        yield classifier(f"voting_{voting}", m, 3,
                         results=only_labels if voting == "hard" else None)
    yield classifier("stacking", ensemble.StackingClassifier(two, cv=3), 3)
    yield classifier("bagging_logistic", ensemble.BaggingClassifier(
        lr(), n_estimators=3, random_state=0), 3)


def tree_classifiers():
    for classes in (2, 3):
        for name, model in (
            ("decision_tree", tree.DecisionTreeClassifier(max_depth=5, random_state=0)),
            ("extra_tree", tree.ExtraTreeClassifier(max_depth=5, random_state=0)),
            ("random_forest", ensemble.RandomForestClassifier(8, max_depth=5, random_state=0)),
            ("extra_trees", ensemble.ExtraTreesClassifier(8, max_depth=5, random_state=0)),
            ("gradient_boosting", ensemble.GradientBoostingClassifier(
                n_estimators=10, random_state=0)),
            ("hist_gradient_boosting", ensemble.HistGradientBoostingClassifier(max_iter=10)),
            ("adaboost", ensemble.AdaBoostClassifier(n_estimators=5, random_state=0)),
            ("bagging_trees", ensemble.BaggingClassifier(n_estimators=4, random_state=0)),
        ):
            yield classifier(
                f"{name}_{classes}", model, classes, texts=classes == 3, zipmap=classes == 2,
                ml=1 if classes == 2 else 3, opset=13 if classes == 2 else 18)
    x, _ = blobs(2)
    m = ensemble.IsolationForest(n_estimators=10, random_state=0).fit(x)
    p = probe(x)
    p = p[np.abs(m.decision_function(p)) > 1e-3]
    yield matrix("isolation_forest", m, p, ties=False)
    gaps, y = with_gaps(blobs(3)[0]), blobs(3)[1]
    yield classifier("hist_gradient_boosting_gaps",
                     ensemble.HistGradientBoostingClassifier(max_iter=8), x=gaps, y=y,
                     probe=with_gaps(probe(blobs(3)[0])))


def cases():
    from sklearn_zoo_tables import clusters, mixed, texts, transformers

    yield from linear_classifiers()
    yield from regressors()
    yield from vector_machines()
    yield from other_classifiers()
    yield from tree_classifiers()
    yield from transformers()
    yield from clusters()
    yield from mixed()
    yield from texts()
