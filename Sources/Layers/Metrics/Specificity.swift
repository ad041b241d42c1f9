/// How many of the first class are said to be.
///
/// - 0 where there is nothing to divide by..
public final class Specificity: BinaryCounts {
  public init(threshold: Double = 0.5, name: String = "specificity", output: Int = 0) {
    super.init(name, threshold: threshold, output: output)
  }
  public override var result: Double { share(trueNegatives, of: trueNegatives + falsePositives) }
}
