"""The part of sklearn_zoo.py on tables, texts and transformations."""

import numpy as np
import pandas as pd
from sklearn import (
    cluster, compose, decomposition, feature_extraction, feature_selection, impute,
    linear_model, mixture, neighbors, pipeline, preprocessing,
    random_projection, svm)

from sklearn_zoo import ROWS, Case, blobs, curve, matrix, named, probe, transformer, with_gaps


def transformers():
    pre = preprocessing
    x, y = blobs(4, 5)
    for name, model in (
        ("standard_scaler", pre.StandardScaler()), ("min_max_scaler", pre.MinMaxScaler()),
        ("min_max_scaler_clip", pre.MinMaxScaler(clip=True)),
        ("max_abs_scaler", pre.MaxAbsScaler()), ("robust_scaler", pre.RobustScaler()),
        ("standard_scaler_no_mean", pre.StandardScaler(with_mean=False)),
        ("normalizer_l1", pre.Normalizer("l1")), ("normalizer_l2", pre.Normalizer("l2")),
        ("binarizer", pre.Binarizer(threshold=0.5)),
        ("polynomial", pre.PolynomialFeatures(2)),
        ("polynomial_3_interactions", pre.PolynomialFeatures(3, interaction_only=True)),
        ("power_yeo_johnson", pre.PowerTransformer()),
        ("function_transformer", pre.FunctionTransformer()),
        ("pca", decomposition.PCA(3)), ("pca_whiten", decomposition.PCA(3, whiten=True)),
        ("incremental_pca", decomposition.IncrementalPCA(3)),
        ("truncated_svd", decomposition.TruncatedSVD(3, random_state=0)),
        ("kernel_pca", decomposition.KernelPCA(3, kernel="rbf", gamma=0.01)),
        ("random_projection", random_projection.GaussianRandomProjection(3, random_state=0)),
        ("select_k_best", feature_selection.SelectKBest(k=2)),
        ("select_percentile", feature_selection.SelectPercentile(percentile=60)),
        ("variance_threshold", feature_selection.VarianceThreshold(0.1)),
        ("select_from_model", feature_selection.SelectFromModel(svm.LinearSVC(random_state=0))),
        ("nca", neighbors.NeighborhoodComponentsAnalysis(2, random_state=0, max_iter=10)),
    ):
        for opset, ml in ((18, 3),) if name != "standard_scaler" else ((12, 1), (15, 2), (22, 4)):
            suffix = "" if opset == 18 else f"_opset{opset}_ml{ml}"
            yield transformer(name + suffix, model, x, y, opset=opset, ml=ml)
    # The operator divides by the greatest element, scikit-learn by the greatest magnitude.
    yield transformer("normalizer_max", pre.Normalizer("max"), np.abs(x))
    for encode in ("ordinal", "onehot-dense"):
        yield transformer(
            f"k_bins_{encode.split('-')[0]}",
            pre.KBinsDiscretizer(4, encode=encode, quantile_method="averaged_inverted_cdf"), x)
    gaps, more = with_gaps(x), with_gaps(probe(x), 4)
    for strategy in ("mean", "median", "most_frequent", "constant"):
        yield transformer(
            f"imputer_{strategy}", impute.SimpleImputer(strategy=strategy), gaps, probe=more)
    yield transformer("knn_imputer", impute.KNNImputer(n_neighbors=3), gaps, probe=more)
    yield transformer("imputer_scaler", pipeline.make_pipeline(
        impute.SimpleImputer(), pre.StandardScaler(), decomposition.PCA(2)), gaps, probe=more)
    whole = np.random.RandomState(5).randint(0, 4, (60, 3))
    yield transformer("one_hot_int64", pre.OneHotEncoder(sparse_output=False), whole,
                      probe=whole[:ROWS])
    yield transformer("one_hot_float", pre.OneHotEncoder(
        sparse_output=False, handle_unknown="ignore"), whole.astype(np.float32),
        probe=(whole[:ROWS] + np.eye(3)[np.arange(ROWS) % 3]).astype(np.float32))
    yield transformer("ordinal_int64", pre.OrdinalEncoder(), whole, probe=whole[:ROWS])
    words = np.array(["lead", "tin", "zinc", "iron"], dtype=object)[whole]
    for ml, opset in ((1, 12), (2, 15), (3, 18), (4, 22)):
        yield transformer(f"one_hot_strings_ml{ml}", pre.OneHotEncoder(
            sparse_output=False, handle_unknown="ignore"), words[:30], ml=ml, opset=opset,
            probe=np.where(whole == 2, "gold", words)[30:])
        if ml == 1:
            continue  # what follows needs a newer LabelEncoder
        yield transformer(f"ordinal_strings_ml{ml}", pre.OrdinalEncoder(), words, ml=ml,
                          opset=opset, probe=words[:ROWS])
        m = pre.LabelEncoder().fit(words[:, 0])
        yield Case(f"label_encoder_ml{ml}", m, {"X": words[:ROWS, 0]}, words[:ROWS, 0], opset=opset,
                   ml=ml, ties=False)
    yield transformer("ordinal_unknown", pre.OrdinalEncoder(
        handle_unknown="use_encoded_value", unknown_value=-3), words,
        probe=np.where(whole == 2, "gold", words)[:ROWS])
    yield transformer("one_hot_drop_first", pre.OneHotEncoder(
        drop="first", sparse_output=False), words, probe=words[:ROWS])
    m = pre.LabelBinarizer().fit(whole[:, 0])
    yield Case("label_binarizer", m, {"X": whole[:ROWS, :1]}, whole[:ROWS, 0], ties=False)
    yield transformer("target_encoder", pre.TargetEncoder(random_state=0), words,
                      np.random.RandomState(0).randn(60), probe=words[:ROWS])
    m = feature_extraction.DictVectorizer(sparse=False)
    m.fit([{"a": 1.0, "b": 2.0}, {"c": 3.0, "a": 4.0}])
    one = {"b": 2.5, "a": -1.0}
    yield Case("dict_vectorizer", m, {"X": one}, None, ties=False,
               results=lambda m, x, n: m.transform([one]))


def clusters():
    x, _ = blobs(3)
    p = probe(x)
    for name, model in (
        ("k_means", cluster.KMeans(3, n_init=2, random_state=0)),
        ("mini_batch_k_means", cluster.MiniBatchKMeans(3, n_init=2, random_state=0)),
    ):
        yield matrix(name, model.fit(x), p, ties=False)
    for kind in ("full", "tied", "diag", "spherical"):
        m = mixture.GaussianMixture(3, covariance_type=kind, random_state=0).fit(x)
        yield matrix(f"gaussian_mixture_{kind}", m, p, ties=False, atol=1e-3)
    m = neighbors.LocalOutlierFactor(novelty=True).fit(x)
    q = p[np.abs(m.decision_function(p)) > 2e-3]
    yield matrix("local_outlier_factor", m, q, ties=False)
    yield transformer("k_means_pipeline", pipeline.make_pipeline(
        preprocessing.StandardScaler(), cluster.KMeans(3, n_init=2, random_state=0)), x,
        results=lambda m, x, n: m.predict(x) if "label" in n else m.transform(x))


def table(seed=6, n=120):
    r = np.random.RandomState(seed)
    t = pd.DataFrame({
        "age": r.uniform(18, 80, n).astype(np.float32),
        "fare": r.gamma(2, 20, n).astype(np.float32),
        "sex": r.choice(["male", "female"], n),
        "town": r.choice(["S", "C", "Q", "É"], n)})
    t["sex"] = t["sex"].astype(object)
    t["town"] = t["town"].astype(object)
    y = ((t.sex == "female") * 1.5 + t.fare / 60 - t.age / 50 + 0.5 * r.randn(n) > 0.6) * 1
    return t, y.to_numpy()


def columns(t):
    return {c: t[[c]].to_numpy() for c in t.columns}


def mixed():
    t, y = table()
    numbers, words = ["age", "fare"], ["sex", "town"]
    gaps = t.copy()
    gaps.loc[::7, "age"] = np.nan

    def features(passes="drop"):
        return compose.ColumnTransformer([
            ("n", pipeline.make_pipeline(
                impute.SimpleImputer(strategy="median"), preprocessing.StandardScaler()), numbers),
            ("w", preprocessing.OneHotEncoder(handle_unknown="ignore"), words)], remainder=passes)

    for opset, ml in ((12, 1), (15, 3), (21, 4)):
        m = features()
        m.fit(gaps)
        yield Case(f"columns_opset{opset}_ml{ml}", m, columns(gaps[:ROWS]), gaps[:ROWS],
                   opset=opset, ml=ml, ties=False)
    for name, last, zipmap, labels in (
        ("logistic", linear_model.LogisticRegression(), True, y),
        ("logistic_strings", linear_model.LogisticRegression(), False, named(y)),
        ("svc", svm.SVC(probability=True, random_state=0), False, y),
        ("knn", neighbors.KNeighborsClassifier(3), True, named(y)),
    ):
        m = pipeline.Pipeline([("f", features()), ("m", last)]).fit(gaps, labels)
        yield Case(f"columns_{name}", m, columns(gaps[:ROWS]), gaps[:ROWS],
                   options=None if zipmap else {"zipmap": False})
    m = pipeline.Pipeline([
        ("f", compose.ColumnTransformer([
            ("o", preprocessing.OrdinalEncoder(), words), ("s", "passthrough", numbers)])),
        ("m", linear_model.Ridge())]).fit(t, t.fare * 0.1 + y)
    yield Case("columns_ordinal_ridge", m, columns(t[:ROWS]), t[:ROWS], ties=False)
    x, _ = curve()
    union = pipeline.FeatureUnion([
        ("p", decomposition.PCA(2)), ("s", preprocessing.StandardScaler()),
        ("m", preprocessing.MinMaxScaler())])
    yield transformer("feature_union", union, x)


def texts():
    r = np.random.RandomState(8)
    vocabulary = "the cat sat on a mat while dogs ran over green hills near rivers".split()
    lines = np.array([" ".join(r.choice(vocabulary, r.randint(3, 9))) for _ in range(70)],
                     dtype=object)
    y = np.array(["cat" in s for s in lines]).astype(int)
    ex = feature_extraction.text

    def case(name, m, **more):
        return Case(name, m, {"X": lines[:ROWS]}, lines[:ROWS], ties=False,
                    options={"locale": "C"} | more.pop("options", {}))

    for name, model in (
        ("count_vectorizer", ex.CountVectorizer()),
        ("count_vectorizer_bigrams", ex.CountVectorizer(ngram_range=(1, 2))),
        ("count_vectorizer_binary", ex.CountVectorizer(binary=True)),
        ("count_vectorizer_stop", ex.CountVectorizer(stop_words=["the", "on"])),
        ("tfidf", ex.TfidfVectorizer()), ("tfidf_bigrams", ex.TfidfVectorizer(ngram_range=(1, 2))),
        ("tfidf_sublinear", ex.TfidfVectorizer(sublinear_tf=True)),
        ("tfidf_l1", ex.TfidfVectorizer(norm="l1")),
        ("count_vectorizer_separators", ex.CountVectorizer(token_pattern="[a-z]+")),
        ("count_vectorizer_chars", ex.CountVectorizer(analyzer="char", ngram_range=(1, 2))),
        ("tfidf_no_idf", ex.TfidfVectorizer(use_idf=False, norm=None)),
    ):
        yield case(name, model.fit(lines))
    m = pipeline.make_pipeline(ex.TfidfVectorizer(), linear_model.LogisticRegression())
    yield Case("tfidf_logistic", m.fit(lines, y), {"X": lines[:ROWS]}, lines[:ROWS],
               options={id(m[0]): {"locale": "C"}})
    m = pipeline.make_pipeline(
        ex.CountVectorizer(), ex.TfidfTransformer(), svm.LinearSVC(random_state=0))
    yield Case("tfidf_linear_svc", m.fit(lines, y), {"X": lines[:ROWS]}, lines[:ROWS],
               options={id(m[0]): {"locale": "C"}},
               results=lambda m, x, n: m.predict(x) if "label" in n else m.decision_function(x))
