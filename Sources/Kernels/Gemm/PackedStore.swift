import Synchronization
import Tensors

/// What kernels made of constants: a packed form of each is made once, whatever number of kernels,
/// input sizes and sessions use it. Forms that a compiled model brings are used where they lie.
public final class PackedStore: Sendable {
  /// The version of all packed layouts together: raised whenever one of them changes, so that files
  /// which hold the old ones are refused. `PackingVersionTests` notices changes.
  public static let packingVersion = 4

  /// A packed form by what it was made of: a constant of the graph, by its place among the
  /// initializers, and the form. The form of a form has both names, with ` / ` between them.
  public struct Name: Hashable, Sendable {
    public let constant: Int
    public let form: String
    public init(constant: Int, form: String) {
      self.constant = constant
      self.form = form
    }
    func adding(_ more: String) -> Name {
      Name(constant: constant, form: form.isEmpty ? more : form + " / " + more)
    }
  }

  private struct Key: Hashable {
    let source: ObjectIdentifier
    let form: String
  }
  private struct Entry: Sendable {
    /// Keeps the key's identity from being given to another.
    let source: Storage
    let packed: any AnyObject & Sendable
  }
  private struct State {
    var entries: [Key: Entry] = [:]
    /// What a compiled model brings and nobody asked for yet.
    var ready: [Name: Tensor] = [:]
    /// The constants that `ready` speaks of, and what was made of them.
    var names: [ObjectIdentifier: Name] = [:]
    var made = 0
  }
  private let state = Mutex(State())
  /// Keeps the identities in `names` from being given to others.
  private let constants: [Tensor]

  private let pool: @Sendable () -> ThreadPool

  /// - `pool`: threads that help to pack; the store does not keep it.
  public init(pool: ThreadPool = .single) {
    constants = []
    self.pool = { [weak pool] in pool ?? .single }
  }

  /// A store with the packed forms of a compiled model, whose initializers are `constants`.
  public init(
    constants: [Tensor], ready: [(name: Name, bytes: Tensor)], pool: ThreadPool = .single
  ) {
    self.constants = constants
    self.pool = { [weak pool] in pool ?? .single }
    state.withLock { s in
      for (i, t) in constants.enumerated() {
        s.names[ObjectIdentifier(t.storage)] = Name(constant: i, form: "")
      }
      for (name, bytes) in ready { s.ready[name] = bytes }
    }
  }

  /// Forms that were made here, and not brought by a compiled model.
  public var madeCount: Int { state.withLock { $0.made } }

  /// The form of `source` that `form` names, made by `make` where it is not there yet. A name must
  /// say everything that the packed bytes depend on beside the source.
  ///
  /// `make` lays it out in the space it is given: it may be filled already.
  ///
  /// Errors: those of `make`, and `.malformed` for a compiled model's form of a wrong size.
  public func packed<T: PackedForm>(
    _ source: Tensor, as form: String, make: (PackedSpace) throws(EngineError) -> T
  ) throws(EngineError) -> T {
    let key = Key(source: ObjectIdentifier(source.storage), form: form)
    var name: Name?
    var held: Tensor?
    let known: (any AnyObject & Sendable)? = state.withLock { s in
      if let known = s.entries[key]?.packed { return known }
      name = s.names[key.source]?.adding(form)
      held = name.flatMap { s.ready[$0] }
      return nil
    }
    if let known = known as? T { return known }
    let made = try make(PackedSpace(held, pool: pool()))
    return state.withLock { s in
      // Another thread may have been faster: all are to share one.
      if let known = s.entries[key]?.packed as? T { return known }
      s.entries[key] = Entry(source: source.storage, packed: made)
      if held == nil { s.made += 1 }
      if let name, let storage = made as? Storage { s.names[ObjectIdentifier(storage)] = name }
      return made
    }
  }

  /// The same for forms that no file keeps.
  public func packed<T: AnyObject & Sendable>(
    _ source: Tensor, as form: String, make: () throws(EngineError) -> T
  ) throws(EngineError) -> T {
    let key = Key(source: ObjectIdentifier(source.storage), form: form)
    if let known = state.withLock({ $0.entries[key] })?.packed as? T { return known }
    let made = try make()
    return state.withLock { s in
      if let known = s.entries[key]?.packed as? T { return known }
      s.entries[key] = Entry(source: source.storage, packed: made)
      s.made += 1
      return made
    }
  }

  /// All forms of these initializers of a graph, and forms of forms, that a file can keep, in the
  /// order of constants and names.
  public func named(_ constants: [Tensor]) -> [(name: Name, bytes: Tensor)] {
    var open: [(source: ObjectIdentifier, name: Name)] = constants.enumerated().map {
      (ObjectIdentifier($1.storage), Name(constant: $0, form: ""))
    }
    var forms: [ObjectIdentifier: [(form: String, packed: any PackedForm)]] = [:]
    state.withLock { s in
      for (key, entry) in s.entries {
        guard let packed = entry.packed as? any PackedForm else { continue }
        forms[key.source, default: []].append((key.form, packed))
      }
    }
    var result: [(name: Name, bytes: Tensor)] = []
    while let (source, name) = open.popLast() {
      for (form, packed) in forms[source] ?? [] {
        let own = name.adding(form)
        result.append((own, packed.packedBytes))
        if packed is Storage { open.append((ObjectIdentifier(packed), own)) }
      }
    }
    return result.sorted { ($0.name.constant, $0.name.form) < ($1.name.constant, $1.name.form) }
  }
}
