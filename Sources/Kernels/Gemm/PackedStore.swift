import Synchronization
import Tensors

/// What kernels made of constants: a packed form of each is made once, whatever number of kernels,
/// input sizes and sessions use it.
public final class PackedStore: Sendable {
  private struct Key: Hashable {
    let source: ObjectIdentifier
    let form: String
  }
  private struct Entry: Sendable {
    /// Keeps the key's identity from being given to another.
    let source: Storage
    let packed: any AnyObject & Sendable
  }
  private let entries = Mutex<[Key: Entry]>([:])

  public init() {}

  /// The form of `source` that `form` names, made by `make` where it is not there yet. A name must
  /// say everything that the packed bytes depend on beside the source.
  ///
  /// Errors: those of `make`.
  public func packed<T: AnyObject & Sendable>(
    _ source: Tensor, as form: String, make: () throws(EngineError) -> T
  ) throws(EngineError) -> T {
    let key = Key(source: ObjectIdentifier(source.storage), form: form)
    if let known = entries.withLock({ $0[key] })?.packed as? T { return known }
    let made = try make()
    return entries.withLock { list in
      // Another thread may have been faster: all are to share one.
      if let known = list[key]?.packed as? T { return known }
      list[key] = Entry(source: source.storage, packed: made)
      return made
    }
  }
}
