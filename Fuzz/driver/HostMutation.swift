// SPDX-License-Identifier: GPL-3.0-or-later

import Calibration
import Files
import Foundation
import Profiles

/// Trees of hosts in which one file at a time is changed, detected in this process; what comes out is
/// loaded as a profile.
struct HostMutation {
  private(set) var inputs = 0
  private(set) var results = 0
  private(set) var refusals = 0
  private(set) var slowest = 0.0
  private let trees: [(root: String, files: [(path: String, bytes: [UInt8])])]
  private let shipped = ProfileStore(directories: [URL(fileURLWithPath: "models")])
  private var mutator: Mutator

  /// Copies the recorded trees into a directory of its own.
  init(seed: UInt64, in folder: String) throws {
    mutator = Mutator(seed: seed)
    trees = try ["debian-server", "lab-guest", "container"].map { name in
      let root = folder + "/" + name
      try FileManager.default.copyItem(atPath: "Tests/Golden/hosts/" + name, toPath: root)
      let paths = FileManager.default.enumerator(atPath: root)?.compactMap { $0 as? String } ?? []
      let files = paths.sorted().filter { !$0.hasSuffix(".md") }.compactMap { path in
        (try? Data(contentsOf: URL(fileURLWithPath: root + "/" + path))).map {
          (path: root + "/" + path, bytes: Array($0))
        }
      }
      return (root, files)
    }
  }

  /// Detects the next mutant.
  mutating func next() throws {
    if inputs % 10_000 == 0 { say("  \(inputs) inputs") }
    let tree = mutator.pick(trees)
    let file = mutator.pick(tree.files)
    let place = URL(fileURLWithPath: file.path)
    try Data(mutator.mutated(file.bytes, others: tree.files.map(\.bytes))).write(to: place)
    let began = Date()
    if let host = try? HostDetector.detect(HostFiles(FileTree(tree.root))), isLoaded(host) {
      results += 1
    } else {
      refusals += 1
    }
    slowest = max(slowest, Date().timeIntervalSince(began))
    try Data(file.bytes).write(to: place)
    inputs += 1
  }

  /// Whether what was detected can be loaded as a host and a kernel.
  private func isLoaded(_ host: DetectedHost) -> Bool {
    let (machine, kernel) = (host.hostProfile("mutant"), host.kernelProfile("mutant"))
    let store = shipped.making { (kind, _) throws(ProfileError) in
      kind == .host ? machine : kernel
    }
    return (try? store.load(HostProfile.self, named: "mutant")) != nil
      && (try? store.load(KernelProfile.self, named: "mutant")) != nil
  }
}
