import Tensors

extension Module: CustomStringConvertible {
  /// The tree of modules with their parameters' types, and the number of elements.
  public var description: String {
    var text = ""
    for (path, module) in modules {
      let depth = path.isEmpty ? 0 : path.split(separator: ".").count
      let indent = String(repeating: "  ", count: depth)
      let label = path.isEmpty ? "" : "\(path.split(separator: ".").last ?? ""): "
      text += "\(indent)\(label)\(type(of: module))\n"
      let prefix = path.isEmpty ? "" : path + "."
      for (p, name) in zip(parameters, planned.parameterPaths) where owner(of: name) == path {
        let frozen = p.isTrainable ? "" : ", frozen"
        text += "\(indent)  \(name.dropFirst(prefix.count)): \(p.value.type)\(frozen)\n"
      }
      for (s, name) in zip(states, planned.statePaths) where owner(of: name) == path {
        text += "\(indent)  \(name.dropFirst(prefix.count)): \(s.value.type), state\n"
      }
    }
    let total = parameters.reduce(0) { $0 + $1.value.count }
    let frozen = parameters.filter { !$0.isTrainable }.reduce(0) { $0 + $1.value.count }
    text += "\(total) parameters" + (frozen > 0 ? ", \(frozen) frozen" : "")
    return text
  }

  /// The longest path of a module that a name lies below.
  private func owner(of name: String) -> String {
    var best = ""
    for (path, _) in modules where name.hasPrefix(path + ".") && path.count > best.count {
      best = path
    }
    return best
  }
}
