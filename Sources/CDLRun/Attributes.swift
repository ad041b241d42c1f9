import CDLRunHeader
import DLRun
import Graphs
import Tensors

/// A node's attributes in the hands of a C program.
final class AttributesHandle: HandleObject, @unchecked Sendable {
  static let handleKind: UInt8 = 4
  static let handleName = "attribute list"
  private let attributes: [Attribute]
  private let strings = CStrings()
  private var integers: [String: CArray<Int64>] = [:]
  private var numbers: [String: CArray<Float>] = [:]

  init(_ attributes: [Attribute]) { self.attributes = attributes }

  func find(_ name: UnsafePointer<CChar>?) throws(EngineError) -> (String, Attribute.Payload) {
    let name = String(cString: try required(name, "name"))
    guard let a = attributes.first(where: { $0.name == name }) else {
      throw EngineError(.usage, "the node has no attribute '\(name)'")
    }
    return (name, a.payload)
  }
  static func wrong(_ name: String, _ expected: String) -> EngineError {
    EngineError(.dtype, "attribute '\(name)' is of another kind", expected: expected)
  }
  func text(_ bytes: [UInt8]) -> UnsafePointer<CChar> {
    strings.keep(String(decoding: bytes, as: UTF8.self))
  }
  // Only the thread that makes the operator asks.
  func array(_ name: String, _ list: [Int64]) -> UnsafePointer<Int64> {
    let made = integers[name] ?? CArray(list)
    integers[name] = made
    return UnsafePointer(made.base)
  }
  func array(_ name: String, _ list: [Float]) -> UnsafePointer<Float> {
    let made = numbers[name] ?? CArray(list)
    numbers[name] = made
    return UnsafePointer(made.base)
  }
}

@c @implementation
public func dlrun_attribute_int(
  _ node: OpaquePointer?, _ name: UnsafePointer<CChar>?, _ out: UnsafeMutablePointer<Int64>?
) -> dlrun_status {
  attempt { () throws(EngineError) in
    let (name, payload) = try HandleTable.find(node, AttributesHandle.self).find(name)
    guard case .int(let v) = payload else { throw AttributesHandle.wrong(name, "an integer") }
    try required(out, "out").pointee = v
  }
}

@c @implementation
public func dlrun_attribute_float(
  _ node: OpaquePointer?, _ name: UnsafePointer<CChar>?, _ out: UnsafeMutablePointer<Float>?
) -> dlrun_status {
  attempt { () throws(EngineError) in
    let (name, payload) = try HandleTable.find(node, AttributesHandle.self).find(name)
    guard case .float(let v) = payload else { throw AttributesHandle.wrong(name, "a float") }
    try required(out, "out").pointee = v
  }
}

@c @implementation
public func dlrun_attribute_string(
  _ node: OpaquePointer?, _ name: UnsafePointer<CChar>?,
  _ out: UnsafeMutablePointer<UnsafePointer<CChar>?>?
) -> dlrun_status {
  attempt { () throws(EngineError) in
    let handle = try HandleTable.find(node, AttributesHandle.self)
    let (name, payload) = try handle.find(name)
    guard case .string(let v) = payload else { throw AttributesHandle.wrong(name, "a string") }
    try required(out, "out").pointee = handle.text(v)
  }
}

@c @implementation
public func dlrun_attribute_ints(
  _ node: OpaquePointer?, _ name: UnsafePointer<CChar>?,
  _ out: UnsafeMutablePointer<UnsafePointer<Int64>?>?, _ count: UnsafeMutablePointer<Int>?
) -> dlrun_status {
  attempt { () throws(EngineError) in
    let handle = try HandleTable.find(node, AttributesHandle.self)
    let (name, payload) = try handle.find(name)
    guard case .ints(let v) = payload else { throw AttributesHandle.wrong(name, "integers") }
    try required(out, "out").pointee = handle.array(name, v)
    try required(count, "count").pointee = v.count
  }
}

@c @implementation
public func dlrun_attribute_floats(
  _ node: OpaquePointer?, _ name: UnsafePointer<CChar>?,
  _ out: UnsafeMutablePointer<UnsafePointer<Float>?>?, _ count: UnsafeMutablePointer<Int>?
) -> dlrun_status {
  attempt { () throws(EngineError) in
    let handle = try HandleTable.find(node, AttributesHandle.self)
    let (name, payload) = try handle.find(name)
    guard case .floats(let v) = payload else { throw AttributesHandle.wrong(name, "floats") }
    try required(out, "out").pointee = handle.array(name, v)
    try required(count, "count").pointee = v.count
  }
}
