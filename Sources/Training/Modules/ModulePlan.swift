import Tensors

/// What reflection found in a module: looked for once, then kept.
struct ModulePlan {
  private(set) var parameters: [Parameter] = []
  private(set) var states: [StateTensor] = []
  private(set) var modules: [(path: String, module: Module)] = []
  private(set) var byName: [String: Parameter] = [:]
  private var seen: Set<ObjectIdentifier> = []

  init(_ root: Module) {
    add(root, "")
    for p in parameters { byName[p.name] = p }
  }

  private mutating func add(_ module: Module, _ path: String) {
    guard seen.insert(ObjectIdentifier(module)).inserted else { return }
    module.path = path
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
      p.name = path
      parameters.append(p)
    case let s as StateTensor:
      guard seen.insert(ObjectIdentifier(s)).inserted else { return }
      s.name = path
      states.append(s)
    case let m as Module: add(m, path)
    case let list as [Any]:
      for (i, element) in list.enumerated() { visit(element, "\(path).\(i)") }
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
