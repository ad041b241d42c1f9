@_exported import Graphs
@_exported import Runtime
@_exported import Tensors
@_exported import struct Operators.OperatorSet
@_exported import enum Compiler.OptimizationLevel
