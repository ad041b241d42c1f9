/// How the range of an activation is chosen from what calibration saw of it.
public enum CalibrationMethod: String, Sendable, CaseIterable {
  /// From the least to the largest element.
  case minmax
  /// Between moving averages of each batch's least and largest element: the mean of the first ten
  /// batches, after which a batch weighs a tenth. Depends on the order of the rows.
  case average
  /// What is left without the tails: `percentile` percent of all elements.
  case percentile
  /// The range whose quantised distribution is nearest to the true one.
  ///
  /// Source: Migacz, "8-bit inference with TensorRT", GTC 2017: the Kullback-Leibler divergence.
  case entropy
  /// The range with the least expected squared error, that of rounding and that of clipping.
  case mse
}
