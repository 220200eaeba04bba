// SPDX-License-Identifier: GPL-3.0-or-later

import Calibration
import Files
import Foundation
import Profiles
import Randomness
import TestSupport
import Testing

/// Detection on trees that a test changes.
@Suite struct HostDetectorTests {
  /// A copy of a recorded tree.
  private struct Copy {
    let root = FileManager.default.temporaryDirectory.path + "/" + UUID().uuidString

    init(_ tree: String) throws {
      try FileManager.default.copyItem(
        atPath: packageRoot.appending(path: "Tests/Golden/hosts/\(tree)").path,
        toPath: root
      )
    }

    var host: DetectedHost {
      get throws { try HostDetector.detect(HostFiles(FileTree(root))) }
    }

    func write(_ path: String, _ text: String) throws {
      let file = URL(fileURLWithPath: root + path)
      try FileManager.default.createDirectory(
        at: file.deletingLastPathComponent(),
        withIntermediateDirectories: true
      )
      try Data(text.utf8).write(to: file)
    }

    func value(_ key: String) throws -> String? {
      let host = try host
      return (host.values + host.kernel).first { $0.key == key }?.value
    }

    func remove() { try? FileManager.default.removeItem(atPath: root) }
  }

  @Test(arguments: [
    ("/sys/kernel/debug/sched/preempt", "none voluntary (full)\n", "full"),
    ("/sys/kernel/debug/sched/preempt", "none (voluntary) full\n", "voluntary"),
    ("/boot/config-6.1.0-32-arm64", "CONFIG_PREEMPT_NONE=y\n", "none"),
    ("/boot/config-6.1.0-32-arm64", "CONFIG_PREEMPT=y\n", "full"),
    ("/boot/config-6.1.0-32-arm64", "CONFIG_KVM=y\n", "voluntary"),
    ("/var/log/dmesg", "Booting Linux on physical CPU 0\nDynamic Preempt: full\n", "full"),
  ])
  func preemptionIsTheFirstFileThatSaysIt(path: String, text: String, model: String) throws {
    let copy = try Copy("debian-server")
    defer { copy.remove() }
    try copy.write(path, text)
    #expect(try copy.value("kernel.preemption") == model)
  }

  @Test(arguments: [
    ("VHE mode initialized successfully", "fwb,vhe,ttl", ""),
    ("Hyp mode initialized successfully", "fwb,ttl", ""),
    ("nVHE mode initialized successfully", "fwb,ttl", ""),
    ("Protected nVHE mode initialized successfully", "fwb,ttl", "pKVM"),
    ("VHE+NV mode initialized successfully", "fwb,vhe,ttl", "nested"),
  ])
  func theModeOfKVMDecidesOnVHE(line: String, features: String, note: String) throws {
    let copy = try Copy("debian-server")
    defer { copy.remove() }
    let log = try String(contentsOfFile: copy.root + "/var/log/dmesg", encoding: .utf8)
    try copy.write("/var/log/dmesg", log.replacing("VHE mode initialized successfully", with: line))
    #expect(try copy.value("host.features") == features)
    #expect(try note.isEmpty || copy.host.notes.contains { $0.hasPrefix(note) })
  }

  /// The last boot of a log counts, and 6.12's newer name of the erratum is known.
  @Test func theLastBootOfALogCounts() throws {
    let copy = try Copy("debian-server")
    defer { copy.remove() }
    let log = try String(contentsOfFile: copy.root + "/var/log/dmesg", encoding: .utf8)
    let later = log.replacing("Stage-2 Force Write-Back", with: "Broken broadcast TLBI completion")
    try copy.write("/var/log/dmesg", log + later)
    #expect(try copy.value("host.features") == "vhe,ttl,repeat-tlbi-sync")
  }

  /// A core that nobody knows is taken for one of its architecture's version.
  @Test(arguments: [("uscat dit ilrcpc fp", "generic-armv8.4"), ("fp dit", "generic-armv8.0")])
  func anUnknownCoreHasAParentByItsFeatures(flags: String, parent: String) throws {
    let copy = try Copy("container")
    defer { copy.remove() }
    try copy.write(
      "/proc/cpuinfo",
      "processor\t: 0\nFeatures\t: \(flags)\nCPU implementer\t: 0x99\nCPU part\t: 0x123\n\n"
    )
    let host = try copy.host
    #expect(host.parent == parent && host.gaps.contains { $0.reason.contains("0x99 0x123") })
  }

  @Test func threadsQueuesAndUnusualLimitsAreSaid() throws {
    let copy = try Copy("debian-server")
    defer { copy.remove() }
    try copy.write("/sys/devices/pci0000:00/0000:00:05.0/net/eth0/threaded", "1\n")
    try copy.write("/sys/devices/system/cpu/online", "0-2\n")
    for number in 45...48 { try copy.write("/proc/irq/\(number)/smp_affinity_list", "0-1\n") }
    let host = try copy.host
    #expect(host.present == "napi=threaded")
    #expect(try copy.value("nic.queues") == "3")
    #expect(host.notes.contains { $0.contains("netdev_budget is 600") })
    #expect(host.notes.contains { $0.contains("may come to CPUs 2") })
  }

  /// Files that are cut, empty, garbage or not text: a value less, never a crash, and what is written
  /// is a profile that can be read or is refused with a sentence.
  @Test(arguments: ["debian-server", "lab-guest", "container"])
  func brokenFilesAreAValueLess(tree: String) throws {
    let copy = try Copy(tree)
    defer { copy.remove() }
    let shipped = ProfileStore(directories: [packageRoot.appending(path: "models")])
    var chance = Seed(1).stream("broken files")
    let files = try #require(FileManager.default.enumerator(atPath: copy.root))
      .compactMap { $0 as? String }.filter { !$0.hasSuffix(".md") }
      .filter {
        var isFolder: ObjCBool = false
        return FileManager.default.fileExists(atPath: copy.root + "/" + $0, isDirectory: &isFolder)
          && !isFolder.boolValue
      }
    #expect(files.count > 5)
    for file in files {
      let path = copy.root + "/" + file
      let whole = try Data(contentsOf: URL(fileURLWithPath: path))
      for broken in broken(whole, &chance) {
        try broken.write(to: URL(fileURLWithPath: path))
        guard let host = try? copy.host else {
          #expect(file == "proc/cpuinfo", "only a machine without cores is refused")
          continue
        }
        let (machine, kernel) = (host.hostProfile("m"), host.kernelProfile("m"))
        let store = shipped.making { (kind, _) throws(ProfileError) in
          kind == .host ? machine : kernel
        }
        do throws(ProfileError) {
          _ = try store.load(HostProfile.self, named: "broken")
          _ = try store.load(KernelProfile.self, named: "broken")
        } catch {
          #expect(!error.description.isEmpty)
        }
      }
      try whole.write(to: URL(fileURLWithPath: path))
    }
  }

  private func broken(_ whole: Data, _ chance: inout Randomness.Stream) -> [Data] {
    var flipped = whole
    for _ in 0..<8 where !flipped.isEmpty {
      let place = Int(chance.uniform(below: UInt64(flipped.count)))
      flipped[place] = UInt8(truncatingIfNeeded: chance.uniform(below: 256))
    }
    return [
      Data(), whole.prefix(whole.count / 2), whole.dropLast(), flipped,
      Data(repeating: 0xff, count: 64), Data("99999999999999999999-1,(,[=:\n".utf8),
    ]
  }
}
