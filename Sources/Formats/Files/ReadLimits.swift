/// What a file may ask of its reader. Every limit is checked before memory is taken.
public struct ReadLimits: Sendable {
  /// Bytes of a file, and of a compressed file once inflated: the most the format allows.
  public var maxFileBytes: Int = Int(Int32.max)
  /// Messages within messages. What other readers of the format allow: 33 nested subgraphs.
  public var maxDepth: Int = 100
  /// Fields in all messages of a file.
  public var maxFields: Int = 10_000_000
  /// Bytes of fields the schemas do not name, which are kept and written back.
  public var maxUnknownBytes: Int = 16 << 20
  /// Bytes the decoded messages may take, weights not counted. Nil: the larger of 256 MiB and
  /// four times the file.
  public var decodedBytes: Int?
  /// Nodes in all graphs of a model.
  public var maxNodes: Int = 1_000_000
  public var maxFunctions: Int = 10_000
  /// Functions that call functions.
  public var maxCallDepth: Int = 100
  /// Bytes of all external data of a model.
  public var maxExternalBytes: Int = 1 << 40
  /// Whether external data that states a checksum is compared with it, which reads all of it.
  public var verifiesChecksums = true

  public init() {}

  func decodedBudget(file: Int) -> Int {
    decodedBytes ?? max(256 << 20, file.multipliedReportingOverflow(by: 4).partialValue)
  }
}
