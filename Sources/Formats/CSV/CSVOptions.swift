/// How delimited text is read.
public struct CSVOptions: Sendable {
  public enum Header: Sendable {
    /// The first row is a header when it holds text where a number could stand; see `CSVReader`.
    case automatic
    case present
    case absent
  }

  public var header: Header = .automatic
  /// The byte between cells; nil counts `,`, tab, `;` and `|` in the first row.
  public var delimiter: UInt8?
  /// What an empty cell becomes in an integer column; nil makes it an error.
  public var missingInteger: Int64?
  /// The longest row in bytes that is still read.
  public var maxRowBytes = 64 << 20
  /// The most bytes one batch may take.
  public var maxBatchBytes = 16 << 30
  /// Bytes read from the system at once.
  public var blockBytes = 1 << 20

  public init() {}
}

/// One column to read: its number from 0 and what its cells hold.
public struct CSVColumn: Sendable, Hashable {
  public enum Kind: Sendable, Hashable {
    case float32
    case float64
    case int64
    case text
  }
  public var index: Int
  public var kind: Kind
  public init(_ index: Int, _ kind: Kind) {
    self.index = index
    self.kind = kind
  }
}
