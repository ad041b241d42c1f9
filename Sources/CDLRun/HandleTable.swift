import CDLRunHeader
import Synchronization
import Tensors

/// What handles stand for: numbers that are looked up, so that a handle that was released, or never
/// made, is refused instead of followed.
protocol HandleObject: AnyObject, Sendable {
  /// Different for each kind of handle.
  static var handleKind: UInt8 { get }
  static var handleName: String { get }
}

/// All live handles of the process. A handle is the number of a slot and how often the slot was
/// used before.
enum HandleTable {
  private struct Slot: Sendable {
    var uses: UInt32 = 0
    var kind: UInt8 = 0
    var object: (any HandleObject)?
  }
  private struct Stripe: Sendable {
    var slots: [Slot] = []
    var free: [Int] = []
  }
  private static let stripeBits = 4
  /// Several tables with a lock each, so that threads with handles of their own rarely meet.
  private final class Locked: Sendable {
    let stripe = Mutex(Stripe())
  }
  private static let stripes: [Locked] = (0..<(1 << stripeBits)).map { _ in Locked() }
  private static let turn = Atomic<Int>(0)

  static func add<T: HandleObject>(_ object: T) -> OpaquePointer? {
    let stripe = turn.wrappingAdd(1, ordering: .relaxed).newValue & ((1 << stripeBits) - 1)
    let (index, uses) = stripes[stripe].stripe.withLock { s -> (Int, UInt32) in
      let index: Int
      if let free = s.free.popLast() {
        index = free
      } else {
        index = s.slots.count
        s.slots.append(Slot())
      }
      s.slots[index].uses &+= 1
      s.slots[index].kind = T.handleKind
      s.slots[index].object = object
      return (index, s.slots[index].uses)
    }
    let low = UInt(truncatingIfNeeded: (index << stripeBits | stripe) + 1)
    return OpaquePointer(bitPattern: UInt(uses) << 32 | low)
  }

  /// The stripe, slot and use count of a handle; nil for what cannot be one.
  private static func place(_ handle: OpaquePointer) -> (stripe: Int, index: Int, uses: UInt32)? {
    let bits = UInt(bitPattern: handle)
    let low = Int(bits & 0xFFFF_FFFF) - 1
    guard low >= 0 else { return nil }
    return (low & ((1 << stripeBits) - 1), low >> stripeBits, UInt32(bits >> 32))
  }

  /// What a handle stands for.
  ///
  /// Errors: `.usage` for NULL, a released handle, or one of another kind.
  static func find<T: HandleObject>(
    _ handle: OpaquePointer?, _: T.Type = T.self
  ) throws(EngineError) -> T {
    guard let handle else {
      throw EngineError(.usage, "the \(T.handleName) is NULL")
    }
    if let place = place(handle) {
      let found = stripes[place.stripe].stripe.withLock { s -> (any HandleObject)? in
        guard place.index < s.slots.count else { return nil }
        let slot = s.slots[place.index]
        return slot.uses == place.uses && slot.kind == T.handleKind ? slot.object : nil
      }
      // The kind says what it is.
      if let found { return unsafeDowncast(found, to: T.self) }
    }
    throw EngineError(
      .usage, "the \(T.handleName) was released, or is none", hint: "use it before its release")
  }

  static func remove<T: HandleObject>(_ handle: OpaquePointer?, _: T.Type) {
    guard let handle, let place = place(handle) else { return }
    // The object may do much when it goes: not under the lock.
    let gone = stripes[place.stripe].stripe.withLock { s -> (any HandleObject)? in
      guard place.index < s.slots.count, s.slots[place.index].uses == place.uses,
        s.slots[place.index].kind == T.handleKind
      else { return nil }
      let object = s.slots[place.index].object
      s.slots[place.index].object = nil
      s.slots[place.index].kind = 0
      if s.slots[place.index].uses < UInt32.max { s.free.append(place.index) }
      return object
    }
    withExtendedLifetime(gone) {}
  }
}
