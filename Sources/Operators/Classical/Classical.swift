import Graphs

/// Classical learning on tables and vectors: domain ai.onnx.ml.
enum Classical {
  static let operators: [any Operator.Type] = [
    ArrayFeatureExtractor.self,
    Binarizer.self,
    CastMap.self,
    CategoryMapper.self,
    DictVectorizer.self,
    FeatureVectorizer.self,
    Imputer.self,
    LabelEncoder.self,
    LinearClassifier.self,
    LinearRegressor.self,
    Normalizer.self,
    OneHotEncoder.self,
    SVMClassifier.self,
    SVMRegressor.self,
    Scaler.self,
    ZipMap.self,
  ]

  static let domain = "ai.onnx.ml"
  /// What numeric inputs of these operators may be made of.
  static let numbers = DTypes(.float32, .float64, .int32, .int64)
}
