/// How many of the second class are said to be.
///
/// - 0 where there is nothing to divide by. - Source: Keras 3 Recall.
public final class Recall: BinaryCounts {
  public init(threshold: Double = 0.5, name: String = "recall", output: Int = 0) {
    super.init(name, threshold: threshold, output: output)
  }
  public override var result: Double { share(truePositives, of: truePositives + falseNegatives) }
}
