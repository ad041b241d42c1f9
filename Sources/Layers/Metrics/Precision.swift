/// How many of those said to be of the second class are.
///
/// - 0 where there is nothing to divide by. - Source: Keras 3 Precision.
public final class Precision: BinaryCounts {
  public init(threshold: Double = 0.5, name: String = "precision", output: Int = 0) {
    super.init(name, threshold: threshold, output: output)
  }
  public override var result: Double { share(truePositives, of: truePositives + falsePositives) }
}
