/// One event of a TensorBoard log, as protobuf.
///
/// Field numbers are those of TensorFlow's `event.proto` (wall_time 1, step 2, file_version 3,
/// summary 5) and `summary.proto` (Summary.value 1; Value.tag 1, simple_value 2, histo 5;
/// HistogramProto min 1, max 2, num 3, sum 4, sum_squares 5, bucket_limit 6, bucket 7).
enum EventMessage {
  /// What a figure is.
  enum Content {
    case number(Double)
    case histogram(Histogram)
  }

  /// The first event of every file.
  static func version(time: Double) -> [UInt8] {
    var m = Message()
    m.double(1, time)
    m.text(3, "brain.Event:2")
    return m.bytes
  }

  static func summary(
    time: Double, step: Int, _ values: [(tag: String, content: Content)]
  ) -> [UInt8] {
    var summary = Message()
    for (tag, content) in values {
      var value = Message()
      value.text(1, tag)
      switch content {
      case .number(let x): value.float(2, Float(x))
      case .histogram(let h): value.message(5, h.message)
      }
      summary.message(1, value.bytes)
    }
    var m = Message()
    m.double(1, time)
    m.integer(2, step)
    m.message(5, summary.bytes)
    return m.bytes
  }

  /// A message under construction.
  struct Message {
    private(set) var bytes: [UInt8] = []

    private mutating func varint(_ value: UInt64) {
      var v = value
      while v >= 0x80 {
        bytes.append(UInt8(truncatingIfNeeded: v) | 0x80)
        v >>= 7
      }
      bytes.append(UInt8(truncatingIfNeeded: v))
    }
    private mutating func key(_ field: UInt64, _ wire: UInt64) { varint(field << 3 | wire) }

    mutating func integer(_ field: UInt64, _ value: Int) {
      key(field, 0)
      varint(UInt64(bitPattern: Int64(value)))
    }
    mutating func double(_ field: UInt64, _ value: Double) {
      key(field, 1)
      append(value.bitPattern)
    }
    mutating func float(_ field: UInt64, _ value: Float) {
      key(field, 5)
      append(value.bitPattern)
    }
    mutating func message(_ field: UInt64, _ content: [UInt8]) {
      key(field, 2)
      varint(UInt64(content.count))
      bytes += content
    }
    mutating func text(_ field: UInt64, _ value: String) { message(field, Array(value.utf8)) }
    mutating func doubles(_ field: UInt64, _ values: [Double]) {
      var packed = Message()
      for v in values { packed.append(v.bitPattern) }
      message(field, packed.bytes)
    }
    private mutating func append(_ word: some FixedWidthInteger) {
      withUnsafeBytes(of: word.littleEndian) { bytes.append(contentsOf: $0) }
    }
  }
}
