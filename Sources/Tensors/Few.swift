/// A short list without an allocation: up to three elements inline, any further ones in an array.
@frozen public struct Few<Element> {
  @usableFromInline let a: Element?
  @usableFromInline let b: Element?
  @usableFromInline let c: Element?
  @usableFromInline let rest: [Element]?
  public let count: Int

  @inlinable public init() {
    a = nil
    b = nil
    c = nil
    rest = nil
    count = 0
  }
  @inlinable public init(_ a: Element) {
    self.a = a
    b = nil
    c = nil
    rest = nil
    count = 1
  }
  @inlinable public init(_ a: Element, _ b: Element) {
    self.a = a
    self.b = b
    c = nil
    rest = nil
    count = 2
  }
  @inlinable public init(_ a: Element, _ b: Element, _ c: Element) {
    self.a = a
    self.b = b
    self.c = c
    rest = nil
    count = 3
  }
  public init(_ list: [Element]) {
    a = list.count > 0 ? list[0] : nil
    b = list.count > 1 ? list[1] : nil
    c = list.count > 2 ? list[2] : nil
    rest = list.count > 3 ? Array(list[3...]) : nil
    count = list.count
  }

  @inlinable public subscript(i: Int) -> Element {
    precondition(i >= 0 && i < count, "index beyond a short list")
    switch i {
    case 0: return a.unsafelyUnwrapped
    case 1: return b.unsafelyUnwrapped
    case 2: return c.unsafelyUnwrapped
    default: return rest.unsafelyUnwrapped[i - 3]
    }
  }

  @inlinable public func map<T>(_ f: (Element) -> T) -> Few<T> {
    switch count {
    case 0: Few<T>()
    case 1: Few<T>(f(self[0]))
    case 2: Few<T>(f(self[0]), f(self[1]))
    case 3: Few<T>(f(self[0]), f(self[1]), f(self[2]))
    default: Few<T>((0..<count).map { f(self[$0]) })
    }
  }

  public var array: [Element] { (0..<count).map { self[$0] } }
}

extension Few: Sendable where Element: Sendable {}
extension Few: ExpressibleByArrayLiteral {
  public init(arrayLiteral elements: Element...) { self.init(elements) }
}
