import Tensors

/// What reflection found in a module: looked for once, then kept.
struct ModulePlan {
  private(set) var parameters: [Parameter] = []
  private(set) var states: [StateTensor] = []
  /// Paths of the parameters from this root.
  private(set) var parameterPaths: [String] = []
  private(set) var statePaths: [String] = []
  private(set) var modules: [(path: String, module: Module)] = []
  private(set) var byName: [String: Parameter] = [:]
  private var seen: Set<ObjectIdentifier> = []

  /// Whether names are set: not by a module that has a name in a larger one.
  private let isRoot: Bool

  init(_ root: Module) {
    isRoot = root.path.isEmpty
    add(root, "")
    for (p, path) in zip(parameters, parameterPaths) { byName[path] = p }
  }

  private mutating func add(_ module: Module, _ path: String) {
    guard seen.insert(ObjectIdentifier(module)).inserted else { return }
    if isRoot { module.path = path }
    modules.append((path, module))
    if let parts = module.parts {
      for (label, value) in parts { visit(value, path.isEmpty ? label : "\(path).\(label)") }
      return
    }
    var mirrors: [Mirror] = []
    var mirror: Mirror? = Mirror(reflecting: module)
    while let m = mirror, m.subjectType != Module.self {
      mirrors.append(m)
      mirror = m.superclassMirror
    }
    // A superclass declares first.
    for m in mirrors.reversed() {
      for child in m.children {
        guard let label = child.label else { continue }
        visit(child.value, path.isEmpty ? label : "\(path).\(label)")
      }
    }
  }

  private mutating func visit(_ value: Any, _ path: String) {
    switch value {
    case let p as Parameter:
      guard seen.insert(ObjectIdentifier(p)).inserted else { return }
      if isRoot { p.name = path }
      parameters.append(p)
      parameterPaths.append(path)
    case let s as StateTensor:
      guard seen.insert(ObjectIdentifier(s)).inserted else { return }
      if isRoot { s.name = path }
      states.append(s)
      statePaths.append(path)
    case let m as Module: add(m, path)
    case let list as [Any]:
      for (i, element) in list.enumerated() {
        let own = (element as? Layer)?.name
        visit(element, "\(path).\(own ?? "\(i)")")
      }
    case let table as [String: Any]:
      for key in table.keys.sorted() { if let v = table[key] { visit(v, "\(path).\(key)") } }
    default:
      let mirror = Mirror(reflecting: value)
      switch mirror.displayStyle {
      case .optional: for child in mirror.children { visit(child.value, path) }
      case .tuple, .struct:
        guard holdsModules(mirror) else { return }
        for child in mirror.children {
          if let label = child.label { visit(child.value, "\(path).\(label)") }
        }
      default: break
      }
    }
  }

  private func holdsModules(_ mirror: Mirror) -> Bool {
    mirror.children.contains {
      $0.value is Parameter || $0.value is Module || $0.value is StateTensor || $0.value is [Module]
    }
  }
}
