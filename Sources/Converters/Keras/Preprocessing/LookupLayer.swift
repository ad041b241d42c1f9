import Tensors

/// `StringLookup` and `IntegerLookup`: places of tokens in a vocabulary, or tokens by their places.
struct LookupLayer: KerasLayer {
  let table: LookupTable

  init(_ config: KerasConfig, _ reader: KerasReader) throws(EngineError) {
    table = try LookupTable(config, isText: config.className == "StringLookup", reader)
  }

  var variables: [KerasVariable] { table.variables }

  func convert(_ call: LayerCall) throws(EngineError) -> KerasValue {
    .id(try table.convert(try call.raw().id, call))
  }
}
