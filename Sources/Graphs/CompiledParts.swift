import Tensors

/// What a compiled model holds beside its graph, which is as the compiler left it: the packed forms
/// of its weights, and what they were packed for.
public struct CompiledParts: Sendable {
  /// A packed form of one of the graph's initializers.
  public struct Packed: Sendable {
    /// Place among the initializers.
    public let constant: Int
    /// What form it is, as kernels name it.
    public let form: String
    /// uint8, from a multiple of 64 bytes.
    public let bytes: Tensor
    public init(constant: Int, form: String, bytes: Tensor) {
      self.constant = constant
      self.form = form
      self.bytes = bytes
    }
  }

  /// What it was compiled from.
  public struct Source: Sendable, Equatable {
    /// The file's name, without folders; "" for a model that came from no file.
    public var name: String
    public var bytes: Int
    /// Nanoseconds since 1970 of the last change.
    public var modified: Int
    /// `ModelDigest` of the model.
    public var digest: String
    public init(name: String, bytes: Int, modified: Int, digest: String) {
      self.name = name
      self.bytes = bytes
      self.modified = modified
      self.digest = digest
    }
  }

  public var instructionSet: String
  /// `PackedStore.packingVersion` of who packed.
  public var packingVersion: Int
  /// The level at which the graph was optimised.
  public var level: String
  /// Whether only kernels as accurate as plain summation take part.
  public var isExact: Bool
  /// Whether packed weights take no more memory than the weights.
  public var isCompact: Bool
  /// The input types that kernels were chosen and weights packed for; others run as well.
  public var inputs: [(name: String, type: TensorType)]
  public var source: Source
  public var packed: [Packed]

  public init(
    instructionSet: String, packingVersion: Int, level: String, isExact: Bool,
    isCompact: Bool, inputs: [(name: String, type: TensorType)],
    source: Source = Source(name: "", bytes: 0, modified: 0, digest: ""), packed: [Packed]
  ) {
    self.instructionSet = instructionSet
    self.packingVersion = packingVersion
    self.level = level
    self.isExact = isExact
    self.isCompact = isCompact
    self.inputs = inputs
    self.source = source
    self.packed = packed
  }
}
