// Not all of DLRun: `Graphs` has a `Parameter` of its own, which those who write operators need.
@_exported import DataSets
@_exported import Layers
@_exported import Tensors
@_exported import Training

@_exported import class Runtime.Session
@_exported import struct Runtime.SessionOptions
