// SPDX-License-Identifier: GPL-3.0-or-later

import Calibration
import Campaigns
import CostModels
import Foundation
import Policies
import Profiles
import Quantities
import Scenarios
import Tuning

/// What s2tune reads from users and other programs, by name.
enum Reader: String, CaseIterable {
  case recording, dump, counts, facts, probe
  case policy, quantity, sweep, limit
  case host, kernel, workload
  case table, model, runs, queue

  /// The one that the environment names.
  static let chosen = ProcessInfo.processInfo.environment["S2TUNE_READER"].flatMap(Self.init)

  /// Reads bytes as the program does; how it ended is of no interest, as long as it ends.
  func read(_ bytes: [UInt8]) {
    let text = String(decoding: bytes, as: UTF8.self)
    switch self {
    case .recording:
      guard let found = try? RecordingFile.read(text, named: "record") else { return }
      _ = RecordingFile.gather([found, found])
    case .dump: _ = try? Stage2Dump(parsing: bytes, file: "dump")
    case .counts: _ = try? KernelCounts(parsing: bytes, file: "counts")
    case .facts: _ = try? FactFile(parsing: text, file: "facts")
    case .probe: _ = try? ProbeRecording(parsing: text, file: "probe")
    case .policy: _ = (try? Policy(parsing: text))?.description
    case .quantity:
      _ = (try? ByteCount(parsing: text))?.description
      _ = (try? Nanoseconds(parsing: text))?.description
      _ = (try? BitRate(parsing: text))?.description
      _ = (try? GuestAddress(parsing: text))?.description
    case .sweep: _ = try? Sweep(parsing: text)
    case .limit: _ = try? ServiceLevel(parsing: text)
    case .host: Self.load(HostProfile.self, "hosts", bytes)
    case .kernel: Self.load(KernelProfile.self, "kernels", bytes)
    case .workload: Self.load(WorkloadProfile.self, "workloads", bytes)
    case .table: _ = try? TuningTable(json: Data(bytes), file: "table")
    case .model:
      _ = try? CostModel(json: Data(bytes), file: "model", simulator: Scenario.simulatorVersion)
    case .runs:
      Self.write(bytes, "runs.jsonl")
      _ = try? RunLines(Self.folder + "/runs.jsonl")
    case .queue: _ = try? SlurmQueue(json: Data(bytes))
    }
  }

  /// Loads a profile of these bytes, on top of the ones that ship.
  private static func load<Content: Profile>(
    _ type: Content.Type,
    _ directory: String,
    _ bytes: [UInt8]
  ) {
    write(bytes, "\(directory)/mutant.yaml")
    let store = ProfileStore(directories: [
      URL(filePath: folder), URL(filePath: "models"),
    ])
    _ = try? store.load(type, named: "mutant")
  }

  /// A folder of this process, in memory where there is such a place.
  private static let folder: String = {
    let memory = FileManager.default.isWritableFile(atPath: "/dev/shm")
    let folder = (memory ? "/dev/shm" : NSTemporaryDirectory()) + "/s2tune-fuzz-\(getpid())"
    for kind in ["hosts", "kernels", "workloads"] {
      try? FileManager.default.createDirectory(
        atPath: "\(folder)/\(kind)",
        withIntermediateDirectories: true
      )
    }
    return folder
  }()

  private static func write(_ bytes: [UInt8], _ name: String) {
    _ = FileManager.default.createFile(atPath: "\(folder)/\(name)", contents: Data(bytes))
  }

  /// Removes what the readers of files wrote.
  static func clean() { try? FileManager.default.removeItem(atPath: folder) }
}
