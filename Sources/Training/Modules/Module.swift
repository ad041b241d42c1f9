import Tensors

/// A piece of a model: a class whose stored properties are parameters, states, other modules, or
/// arrays, dictionaries and optionals of these. Plain Swift, no macro and no registration.
///
/// ```swift
/// final class Net: Module {
///   let hidden: Parameter
///   init() throws { hidden = Parameter(try .glorotUniform([2, 8])) }
///   func callAsFunction(_ x: Tensor) throws -> Tensor { try x.matmul(hidden.value).tanh() }
/// }
/// ```
///
/// Properties are found by reflection once and then kept; after a change of structure call
/// `structureChanged()`. A parameter that is reached twice counts once, under its first path.
/// Modules belong to one thread at a time.
open class Module {
  private var plan: ModulePlan?
  /// The path in the root that was traversed first; "" for a root.
  public internal(set) var path = ""

  /// The argument leaves the name `init()` to subclasses, whose own may throw.
  public init(_ nothing: Void = ()) {}

  /// All parameters with their paths, in the order of declaration.
  public var parameters: [Parameter] { planned.parameters }
  /// The parameters that training changes.
  public var trainableParameters: [Parameter] { planned.parameters.filter(\.isTrainable) }
  /// Tensors that are state but no parameters.
  public var states: [StateTensor] { planned.states }
  /// This module and all below it, with their paths.
  public var modules: [(path: String, module: Module)] { planned.modules }

  /// What stands for the stored properties in a module whose parts are only known once it is there,
  /// such as one read from a file: parameters, states and modules, or containers of these, under
  /// their labels. Nil, the default, has reflection find the stored properties.
  open var parts: [(label: String, value: Any)]? { nil }

  var planned: ModulePlan {
    if let plan { return plan }
    let made = ModulePlan(self)
    plan = made
    return made
  }

  /// Forgets what reflection found, here and below. Call it on the root after replacing or adding
  /// modules or parameters.
  public func structureChanged() {
    for (_, m) in plan?.modules ?? [] where m !== self { m.plan = nil }
    plan = nil
  }

  /// The parameter at a dotted path.
  ///
  /// Errors: `.usage` with the nearest names when there is none.
  public func parameter(_ name: String) throws(EngineError) -> Parameter {
    if let p = planned.byName[name] { return p }
    throw EngineError(
      .usage, "the model has no parameter '\(name)'",
      expected: nearest(name, to: planned.parameterPaths).joined(separator: ", "))
  }

  /// The module at a dotted path.
  ///
  /// Errors: `.usage` with the nearest paths when there is none.
  public func module(_ path: String) throws(EngineError) -> Module {
    if let found = modules.first(where: { $0.path == path }) { return found.module }
    throw EngineError(
      .usage, "the model has no module '\(path)'",
      expected: nearest(path, to: modules.map(\.path).filter { !$0.isEmpty }).joined(
        separator: ", "))
  }

  /// Takes parameters whose names `match` out of training, or back into it.
  ///
  /// - Returns: how many matched. Patterns: `*` for any characters, as in `encoder.*.bias`.
  @discardableResult
  public func freeze(_ pattern: String, _ frozen: Bool = true) -> Int {
    var count = 0
    for (p, path) in zip(parameters, planned.parameterPaths) where matches(path, pattern) {
      p.isTrainable = !frozen
      count += 1
    }
    return count
  }

  /// Runs `body` as the work of this module, so that errors in it name its path.
  public func scoped<R>(_ body: () throws -> R) rethrows -> R {
    let context = TapeContext.current
    let before = context.layerPath
    context.layerPath = path
    defer { context.layerPath = before }
    return try body()
  }
}

/// Whether a name fits a pattern with `*` for any characters.
func matches(_ name: some StringProtocol, _ pattern: some StringProtocol) -> Bool {
  guard let star = pattern.firstIndex(of: "*") else { return name == pattern }
  let head = pattern[..<star]
  guard name.hasPrefix(head) else { return false }
  let rest = pattern[pattern.index(after: star)...]
  var at = name.index(name.startIndex, offsetBy: head.count)
  while true {
    if matches(name[at...], rest) { return true }
    if at == name.endIndex { return false }
    at = name.index(after: at)
  }
}

/// Up to three names that differ least from `name`.
func nearest(_ name: String, to names: [String]) -> [String] {
  func distance(_ a: [Character], _ b: [Character]) -> Int {
    var row = Array(0...b.count)
    for (i, x) in a.enumerated() {
      var corner = row[0]
      row[0] = i + 1
      for (j, y) in b.enumerated() {
        let next = min(row[j] + 1, row[j + 1] + 1, corner + (x == y ? 0 : 1))
        corner = row[j + 1]
        row[j + 1] = next
      }
    }
    return row[b.count]
  }
  let wanted = Array(name)
  return names.map { ($0, distance(wanted, Array($0))) }.sorted { ($0.1, $0.0) < ($1.1, $1.0) }
    .prefix(3).map { "'\($0.0)'" }
}
