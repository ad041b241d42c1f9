import Graphs
import Tensors

/// A trained support vector machine for two or more classes, or a linear model of classes.
public struct SVMMachine: Hashable, Sendable {
  public let kernel: SVMKernel
  public let support: [Float]
  /// Support vectors of each class; empty for a linear model.
  public let perClass: [Int]
  public let coefficients: [Float]
  public let rho: [Float]
  /// Of the probabilities of each pair; empty where there are none.
  public let slopes: [Float]
  public let offsets: [Float]
  public let classes: Int
  public let features: Int
  public let vectors: Int

  var pairs: Int { classes * (classes - 1) / 2 }
  var hasProbabilities: Bool { !slopes.isEmpty && vectors > 0 }
  /// Columns of the scores.
  var width: Int {
    vectors == 0 || hasProbabilities ? classes : classes > 2 ? pairs : 2
  }

  /// Errors: `.attribute` when the lists do not fit each other.
  public init(
    _ kernel: SVMKernel, support: [Float] = [], perClass: [Int] = [], coefficients: [Float],
    rho: [Float], slopes: [Float] = [], offsets: [Float] = [], classes: Int
  ) throws(EngineError) {
    func require(_ holds: Bool, _ name: String, _ expected: String, _ got: Int) throws(EngineError)
    {
      if holds { return }
      throw EngineError(
        .attribute, "'\(name)' does not fit the machine", expected: expected, received: "\(got)")
    }
    try require(classes > 0 && classes < 65_536, "classlabels", "1 to 65535", classes)
    var vectors = 0
    for n in perClass {
      try require(n >= 0 && n <= support.count, "vectors_per_class", "0 or more", n)
      vectors += n
    }
    self.kernel = vectors == 0 ? SVMKernel() : kernel
    self.support = support
    self.perClass = vectors == 0 ? [] : perClass
    self.coefficients = coefficients
    self.rho = rho
    self.slopes = slopes
    self.offsets = offsets
    self.classes = classes
    self.vectors = vectors
    let pairs = classes * (classes - 1) / 2
    try require(
      slopes.count == offsets.count, "prob_b", "\(slopes.count) as in prob_a", offsets.count)
    if vectors > 0 {
      try require(perClass.count == classes, "vectors_per_class", "\(classes)", perClass.count)
      try require(
        classes > 1 && support.count % vectors == 0, "support_vectors",
        "rows of features for \(vectors) vectors of two or more classes", support.count)
      let (needed, overflow) = vectors.multipliedReportingOverflow(by: classes - 1)
      try require(
        !overflow && coefficients.count == needed, "coefficients",
        "\(needed) for \(vectors) vectors of \(classes) classes", coefficients.count)
      try require(rho.count >= pairs, "rho", "\(pairs), one a pair of classes", rho.count)
      try require(
        slopes.isEmpty || slopes.count >= pairs, "prob_a", "\(pairs), one a pair of classes",
        slopes.count)
      features = support.count / vectors
    } else {
      try require(
        !coefficients.isEmpty && coefficients.count % classes == 0, "coefficients",
        "a multiple of \(classes)", coefficients.count)
      try require(!rho.isEmpty, "rho", "one or more", rho.count)
      features = coefficients.count / classes
    }
  }

  init(reading a: AttributeReader, classes: Int) throws(EngineError) {
    try self.init(
      SVMKernel(reading: a), support: a.floats("support_vectors", default: []),
      perClass: a.ints("vectors_per_class", default: []),
      coefficients: a.floats("coefficients", default: []), rho: a.floats("rho", default: []),
      slopes: a.floats("prob_a", default: []), offsets: a.floats("prob_b", default: []),
      classes: classes)
  }
  var attributes: [Attribute] {
    var list = kernel.attributes
    list.append(.floats("coefficients", coefficients))
    list.append(.floats("rho", rho))
    if !support.isEmpty { list.append(.floats("support_vectors", support)) }
    if !perClass.isEmpty { list.append(.ints("vectors_per_class", perClass)) }
    if !slopes.isEmpty {
      list.append(.floats("prob_a", slopes))
      list.append(.floats("prob_b", offsets))
    }
    return list
  }
}
