@_exported import Graphs
@_exported import Runtime
@_exported import Tensors
