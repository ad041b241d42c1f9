@_exported import DLRun
@_exported import Training
