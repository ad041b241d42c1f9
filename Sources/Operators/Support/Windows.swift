import Graphs
import Tensors

/// How a window slides over spatial axes: the attributes that convolutions and poolings share.
///
/// Lists are empty where the node does not give them: the kernel then comes from the weights,
/// strides and dilations are 1, pads are 0. Every number lies below 2^31, so sums and products of
/// two of them with a size of a tensor do not overflow.
public struct Window: Hashable, Sendable {
  public enum AutoPad: String, Sendable, CaseIterable {
    case explicit = "NOTSET"
    case sameUpper = "SAME_UPPER"
    case sameLower = "SAME_LOWER"
    case valid = "VALID"
  }

  public var kernel: [Int]
  public var strides: [Int]
  public var dilations: [Int]
  public var padsBegin: [Int]
  public var padsEnd: [Int]
  public var autoPad: AutoPad
  /// Whether a last window that only partly overlaps the padded input counts (pooling).
  public var ceilMode: Bool

  public init(
    kernel: [Int] = [], strides: [Int] = [], dilations: [Int] = [], padsBegin: [Int] = [],
    padsEnd: [Int] = [], autoPad: AutoPad = .explicit, ceilMode: Bool = false
  ) {
    self.kernel = kernel
    self.strides = strides
    self.dilations = dilations
    self.padsBegin = padsBegin
    self.padsEnd = padsEnd
    self.autoPad = autoPad
    self.ceilMode = ceilMode
  }

  /// Reads `kernel_shape`, `strides`, `dilations`, `pads`, `auto_pad` and `ceil_mode`, whichever
  /// the node has.
  ///
  /// Errors: `.attribute` for a kernel size, stride or dilation below 1, a negative pad, a number
  /// of 2^31 or more, an odd number of pads, lists of different lengths, an unknown `auto_pad`,
  /// and for a missing `kernel_shape` where `needsKernel`.
  public init(reading a: AttributeReader, needsKernel: Bool) throws(EngineError) {
    kernel = try Window.read(a, "kernel_shape", least: 1, isRequired: needsKernel)
    strides = try Window.read(a, "strides", least: 1)
    dilations = try Window.read(a, "dilations", least: 1)
    let pads = try Window.read(a, "pads", least: 0)
    guard pads.count % 2 == 0 else {
      throw EngineError(
        .attribute, "pads come in pairs", expected: "an even number", received: "\(pads)")
    }
    padsBegin = Array(pads.prefix(pads.count / 2))
    padsEnd = Array(pads.suffix(pads.count / 2))
    let mode = try a.string("auto_pad", default: "NOTSET", oneOf: AutoPad.allCases.map(\.rawValue))
    autoPad = AutoPad(rawValue: mode) ?? .explicit
    ceilMode = try a.bool("ceil_mode", default: false)
    let counts = [kernel, strides, dilations, padsBegin].map(\.count).filter { $0 > 0 }
    guard Set(counts).count <= 1 else {
      throw EngineError(
        .attribute, "kernel_shape, strides, dilations and pads name different numbers of axes",
        received: "\(counts)")
    }
  }

  private static func read(
    _ a: AttributeReader, _ name: String, least: Int, isRequired: Bool = false
  ) throws(EngineError) -> [Int] {
    let list = isRequired ? try a.ints(name) : try a.ints(name, default: [])
    for n in list where n < least || n > Int(Int32.max) {
      throw EngineError(
        .attribute, "attribute '\(name)' has an element out of range",
        expected: "\(least) to \(Int32.max)", received: "\(list)")
    }
    return list
  }

  /// What `init(reading:)` reads back to an equal value; defaults are left out.
  public var attributes: [Attribute] {
    var list: [Attribute] = []
    if autoPad != .explicit { list.append(.string("auto_pad", autoPad.rawValue)) }
    if ceilMode { list.append(.bool("ceil_mode", true)) }
    if !dilations.isEmpty { list.append(.ints("dilations", dilations)) }
    if !kernel.isEmpty { list.append(.ints("kernel_shape", kernel)) }
    if !padsBegin.isEmpty { list.append(.ints("pads", padsBegin + padsEnd)) }
    if !strides.isEmpty { list.append(.ints("strides", strides)) }
    return list
  }

  /// How schemas describe the attributes above.
  static let specs: [AttributeSpec] = [
    AttributeSpec(
      "auto_pad", .string, "NOTSET (default): pads; SAME_UPPER, SAME_LOWER, VALID: derived"),
    AttributeSpec("dilations", .ints, "distance of kernel taps along each axis; default 1"),
    AttributeSpec("kernel_shape", .ints, "size of the window along each axis"),
    AttributeSpec("pads", .ints, "zeros before each axis, then after each; default 0"),
    AttributeSpec("strides", .ints, "distance of windows along each axis; default 1"),
  ]

  /// Stride along spatial axis `i`.
  public func stride(_ i: Int) -> Int { i < strides.count ? strides[i] : 1 }
  /// Dilation along spatial axis `i`.
  public func dilation(_ i: Int) -> Int { i < dilations.count ? dilations[i] : 1 }

  /// Sizes along the spatial axes after the window slid over sizes `input`.
  ///
  /// `floor((input + pads - extent) / stride) + 1` with `extent = (kernel - 1) * dilation + 1`;
  /// `ceil(input / stride)` for the SAME modes. In ceil mode the quotient is rounded up, and a
  /// window that would start behind the input (after `padsBegin + input`) does not count.
  ///
  /// Errors: `.attribute` when an attribute names another number of axes than `input` has;
  /// `.shape` when a known window exceeds its padded input.
  public func outputDims(input: [Dim]) throws(EngineError) -> [Dim] {
    try outputDims(input: input, kernel: kernel.map { Dim($0) })
  }

  /// As above, for a kernel whose sizes come from somewhere else: the weights.
  public func outputDims(input: [Dim], kernel: [Dim]) throws(EngineError) -> [Dim] {
    try check(axes: input.count, kernel: kernel.count)
    var output: [Dim] = []
    for (i, n) in input.enumerated() {
      let s = Dim(stride(i))
      if autoPad == .sameUpper || autoPad == .sameLower {
        output.append(n.dividedRoundingUp(by: s))
        continue
      }
      let extent = (kernel[i] - 1) * Dim(dilation(i)) + 1
      let isPadded = autoPad == .explicit && !padsBegin.isEmpty
      let begin = Dim(isPadded ? padsBegin[i] : 0)
      let room = n + begin + Dim(isPadded ? padsEnd[i] : 0) - extent
      if let r = room.known, r < 0 {
        throw EngineError(
          .shape, "the window exceeds its padded input along spatial axis \(i)",
          expected: "at most \(room + extent)", received: "\(extent)")
      }
      if ceilMode && autoPad == .explicit && s != 1 {
        output.append(
          Dim.min(room.dividedRoundingUp(by: s) + 1, (n + begin).dividedRoundingUp(by: s)))
      } else {
        output.append(room / s + 1)
      }
    }
    return output
  }

  private func check(axes: Int, kernel: Int) throws(EngineError) {
    for (name, count) in [
      ("kernel_shape", kernel), ("strides", strides.count), ("dilations", dilations.count),
      ("pads", padsBegin.count),
    ] where count != axes && (count > 0 || name == "kernel_shape") {
      throw EngineError(
        .attribute, "attribute '\(name)' does not fit the input's rank",
        expected: "\(axes) spatial axes", received: "\(count)")
    }
  }

  /// A window with every number settled for one input: one element a spatial axis in each list.
  public struct Concrete: Hashable, Sendable {
    public let kernel: [Int]
    public let strides: [Int]
    public let dilations: [Int]
    public let padsBegin: [Int]
    /// Zeros after each axis. In ceil mode the last window may reach further.
    public let padsEnd: [Int]
    public let input: [Int]
    public let output: [Int]

    /// The outputs along axis `i` whose windows lie within the input, none of them in a pad.
    public func interior(_ i: Int) -> Range<Int> {
      let first = (padsBegin[i] + strides[i] - 1) / strides[i]
      let room = input[i] + padsBegin[i] - (kernel[i] - 1) * dilations[i] - 1
      let end = room < 0 ? 0 : Swift.min(room / strides[i] + 1, output[i])
      return first < end ? first..<end : Swift.min(first, output[i])..<Swift.min(first, output[i])
    }
  }

  /// Output size and zeros before spatial axis `i` of `n` elements, as `concrete` settles them; nil
  /// in ceil mode, and where the window does not fit.
  func settled(_ i: Int, size n: Int, kernel: Int) -> (output: Int, before: Int)? {
    let stride = self.stride(i)
    let extent = (kernel - 1) * dilation(i) + 1
    switch autoPad {
    case .explicit, .valid:
      let isPadded = autoPad == .explicit && !padsBegin.isEmpty
      guard !ceilMode, !isPadded || padsBegin.count > i && padsEnd.count > i else { return nil }
      let before = isPadded ? padsBegin[i] : 0
      let room = n + before + (isPadded ? padsEnd[i] : 0) - extent
      return room < 0 ? nil : (room / stride + 1, before)
    case .sameUpper, .sameLower:
      let output = (n + stride - 1) / stride
      let total = Swift.max((output - 1) * stride + extent - n, 0)
      return (output, autoPad == .sameUpper ? total / 2 : total - total / 2)
    }
  }

  /// Settles pads and output sizes for sizes `inputSpatial` along the spatial axes.
  ///
  /// The SAME modes pad `max((output - 1) * stride + extent - input, 0)` in all, the odd one at
  /// the end (SAME_UPPER) or the beginning (SAME_LOWER).
  ///
  /// Errors: as `outputDims`.
  public func concrete(
    inputSpatial: [Int], kernel given: [Int]? = nil
  ) throws(EngineError) -> Concrete {
    let kernel = given ?? self.kernel
    let dims = try outputDims(input: inputSpatial.map { Dim($0) }, kernel: kernel.map { Dim($0) })
    let axes = inputSpatial.count
    let output = dims.map { $0.known ?? 0 }
    var begin = [Int](repeating: 0, count: axes)
    var end = begin
    if autoPad == .explicit && !padsBegin.isEmpty {
      begin = padsBegin
      end = padsEnd
    } else if autoPad == .sameUpper || autoPad == .sameLower {
      for i in 0..<axes {
        let extent = (kernel[i] - 1) * dilation(i) + 1
        let total = Swift.max((output[i] - 1) * stride(i) + extent - inputSpatial[i], 0)
        begin[i] = autoPad == .sameUpper ? total / 2 : total - total / 2
        end[i] = total - begin[i]
      }
    }
    return Concrete(
      kernel: kernel, strides: (0..<axes).map { stride($0) },
      dilations: (0..<axes).map { dilation($0) }, padsBegin: begin, padsEnd: end,
      input: inputSpatial, output: output)
  }
}
