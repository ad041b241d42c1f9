import Tensors

/// What the text of a cell means, by the rules that `CSVReader` reads columns of numbers with.
public enum CSVText: Sendable, Equatable {
  case missing
  case number(Double)
  case text

  public init(_ cell: String) {
    // The parser wants a byte behind the number that is no part of one.
    let bytes = Array(cell.utf8) + [0]
    self = bytes.withUnsafeBufferPointer { buffer in
      guard var from = buffer.baseAddress else { return .missing }
      var to = from + (buffer.count - 1)
      while from < to, from.pointee == 0x20 || from.pointee == 0x09 { from += 1 }
      while to > from, to[-1] == 0x20 || to[-1] == 0x09 { to -= 1 }
      if CSVCell.isMissing(from, to) { return .missing }
      var digits = DecimalParser.Digits()
      if DecimalParser.digits(from, &digits) == to {
        if let v = DecimalParser.fastDouble(digits, DecimalParser.powerTable) { return .number(v) }
        if let v = DecimalParser.slowDouble(from, to) { return .number(v) }
      }
      return CSVCell.word(from, to).map { .number($0) } ?? .text
    }
  }
}
