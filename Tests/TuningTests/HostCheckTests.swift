// SPDX-License-Identifier: GPL-3.0-or-later

import Calibration
import Files
import Foundation
import Operations
import Policies
import Profiles
import TestSupport
import Testing

@testable import Tuning

/// A change has no step of which a host of this kind could say something.
private struct NoSuchStep: Error {}

/// A copy of a host's files that a test may change.
private struct HostCopy {
  let root = FileManager.default.temporaryDirectory.path + "/" + UUID().uuidString

  init() throws {
    try FileManager.default.copyItem(
      atPath: packageRoot.appending(path: "Tests/Golden/hosts/debian-server").path,
      toPath: root
    )
  }

  func write(_ path: String, _ text: String) throws { try write(path, Array(text.utf8)) }

  func write(_ path: String, _ bytes: [UInt8]) throws {
    try Data(bytes).write(to: URL(fileURLWithPath: root + path))
  }

  func remove(_ path: String) throws { try FileManager.default.removeItem(atPath: root + path) }

  /// Where every interrupt of eth0 may come.
  func interrupt(_ cpus: String) throws {
    for number in 45...48 { try write("/proc/irq/\(number)/smp_affinity_list", cpus) }
  }

  /// The CPUs of the guest's program.
  func pin(_ cpus: String) throws {
    try write("/proc/2301/status", "Name:\tqemu\nCpus_allowed_list:\t\(cpus)\n")
  }

  /// The guest's program with options.
  func run(_ options: String...) throws {
    let words = ["/usr/bin/qemu-system-aarch64"] + options
    try write("/proc/2301/cmdline", words.joined(separator: "\0") + "\0")
  }

  /// The verdict on the step of a change whose text has a part.
  func check(
    _ change: String,
    _ part: String,
    vmm: VMM = .other,
    interfaces: [String] = []
  ) throws -> StepCheck {
    var question = exampleQuestion()
    question.vmm = vmm
    if change.hasPrefix("clear") || change.hasPrefix("harvest") {
      question.workload.operation = .migration
    }
    let policy = try Policy(parsing: change, over: question.presentPolicy)
    let checker = HostChecker(HostFiles(FileTree(root)), vmm: vmm, interfaces: interfaces)
    let steps = policy.changes(from: question.presentPolicy).flatMap {
      policy.planned($0, question)
    }
    let step = steps.first {
      checker.concerns($0.step) && "\($0.step.place): \($0.step.text)".contains(part)
    }
    guard let step else { throw NoSuchStep() }
    return checker.check(step)
  }

  func verdict(_ change: String, _ part: String, vmm: VMM = .other) throws -> StepVerdict {
    try check(change, part, vmm: vmm).verdict
  }
}

@Suite struct HostCheckTests {
  private let copy: HostCopy

  init() throws { copy = try HostCopy() }

  @Test func pollingInAThreadIsReadOfEachInterface() throws {
    let part = "threaded"
    let before = try copy.check("napi=threaded", part)
    #expect(before.verdict == .notDone)
    #expect(before.readings == [HostReading(source: "/sys/class/net/eth0/threaded", says: "0")])
    try copy.write("/sys/class/net/eth0/threaded", "1\n")
    #expect(try copy.verdict("napi=threaded", part) == .done)
    let both = try copy.check("napi=threaded", part, interfaces: ["eth0", "eth1"])
    #expect(both.verdict == .notDone && both.reason == "not on eth1")
    for text in ["", "1", "yes\n", "1\n1\n"] {
      try copy.write("/sys/class/net/eth0/threaded", text)
      #expect(try copy.verdict("napi=threaded", part) == .cannotTell, "'\(text)'")
    }
    try copy.remove("/sys/class/net/eth0/threaded")
    let after = try copy.check("napi=threaded", part)
    #expect(after.verdict == .cannotTell)
    #expect(after.readings.first?.says.contains("No such file") == true, "\(after)")
  }

  @Test func aCPUIsLeftWithoutAQueue() throws {
    #expect(try copy.verdict("irq=moved", "ethtool -L") == .done)
    try copy.write("/sys/devices/system/cpu/online", "0-3\n")
    #expect(try copy.verdict("irq=moved", "ethtool -L") == .notDone)
    try copy.remove("/sys/class/net/eth0/queues/rx-3")
    #expect(try copy.verdict("irq=moved", "ethtool -L") == .done)
  }

  @Test func irqbalanceIsSoughtAmongAllProcesses() throws {
    let before = try copy.check("irq=moved", "irqbalance")
    #expect(before.verdict == .notDone)
    #expect(before.readings == [HostReading(source: "/proc/812/comm", says: "irqbalance")])
    try copy.remove("/proc/812")
    #expect(try copy.verdict("irq=moved", "irqbalance") == .done)
    // Who does not see the kernel's threads does not see every process either.
    try copy.remove("/proc/2/comm")
    #expect(try copy.verdict("irq=moved", "irqbalance") == .cannotTell)
    try copy.remove("/proc")
    #expect(try copy.verdict("irq=moved", "irqbalance") == .cannotTell)
  }

  @Test func interruptsAreApartWhereACPUGetsNone() throws {
    let part = "smp_affinity_list"
    let before = try copy.check("irq=moved", part)
    #expect(before.verdict == .notDone)
    #expect(before.readings.map(\.source) == ["/proc/irq/{45-48}/smp_affinity_list"])
    try copy.interrupt("0-62\n")
    let after = try copy.check("irq=moved", part)
    #expect(after.verdict == .done && after.reason.hasSuffix(": 63"), "\(after)")
    try copy.write("/proc/irq/48/smp_affinity_list", "63\n")
    #expect(try copy.verdict("irq=moved", part) == .notDone)
    for text in ["", "0-62", "0-\n", "mask\n"] {
      try copy.write("/proc/irq/48/smp_affinity_list", text)
      #expect(try copy.verdict("irq=moved", part) == .cannotTell, "'\(text)'")
    }
    try copy.remove("/sys/class/net/eth0/device")
    #expect(try copy.verdict("irq=moved", part) == .cannotTell)
  }

  @Test func theGuestIsPinnedWhereNoInterruptComes() throws {
    let part = "taskset"
    #expect(try copy.verdict("irq=moved", part) == .notDone)
    try copy.pin("63")
    #expect(try copy.verdict("irq=moved", part) == .done, "one CPU is pinned, interrupts or not")
    try copy.interrupt("0-61\n")
    try copy.pin("62-63")
    #expect(try copy.verdict("irq=moved", part) == .done)
    try copy.pin("61-62")
    #expect(try copy.verdict("irq=moved", part) == .notDone)
    try copy.pin("62-63")
    try copy.write("/proc/irq/48/smp_affinity_list", "")
    #expect(try copy.verdict("irq=moved", part) == .cannotTell)
    try copy.write("/proc/2301/status", "Name:\tqemu\nCpus_allowed_list:\t62-63")
    let cut = try copy.check("irq=moved", part)
    #expect(cut.verdict == .cannotTell && cut.reason == "process 2301 does not say")
    try copy.remove("/proc/2301")
    let none = try copy.check("irq=moved", part, vmm: .firecracker)
    #expect(none.verdict == .cannotTell && none.reason == "no process is named firecracker")
  }

  /// QEMU's -name process= hides its name, not its program.
  @Test func aRenamedGuestIsFound() throws {
    try copy.write("/proc/2301/comm", "churn-7\n")
    #expect(try copy.verdict("irq=moved", "taskset", vmm: .qemu) == .notDone)
    try copy.run()
    try copy.write("/proc/2301/cmdline", "/usr/bin/churn\0")
    #expect(try copy.verdict("irq=moved", "taskset", vmm: .qemu) == .cannotTell)
  }

  @Test func optionsOfQEMUAreReadAsItReadsThem() throws {
    let (change, part) = ("clear=2MiB", "qemu: -global")
    #expect(try copy.verdict(change, part) == .notDone)
    let name = "x-clear-bitmap-shift"
    for (options, verdict) in [
      (["-global", "migration.\(name)=9"], .done), (["-global", "migration.\(name)=18"], .notDone),
      (["-global", "driver=migration,property=\(name),value=9"], .done),
      (["-global", "migration.\(name)=9", "-global", "migration.\(name)=8"], .notDone),
      (["-global", "migration.\(name)=x"], .cannotTell), (["-readconfig", "vm.cfg"], .cannotTell),
      (["-append", "migration.\(name)=9"], .notDone),
    ] as [([String], StepVerdict)] {
      try copy.write(
        "/proc/2301/cmdline",
        (["qemu-system-aarch64"] + options).joined(separator: "\0") + "\0"
      )
      #expect(try copy.verdict(change, part) == verdict, "\(options)")
    }
    try copy.write("/proc/2301/cmdline", "qemu-system-aarch64\0-global\0migration.\(name)=9")
    #expect(try copy.verdict(change, part) == .cannotTell, "it is cut off")
    try copy.write("/proc/2301/cmdline", [0xFF, 0])
    #expect(try copy.verdict(change, part) == .cannotTell)
    #expect(throws: NoSuchStep.self) { try copy.verdict(change, part, vmm: .crosvm) }
  }

  @Test func aDirtyRingIsSeenOnTheCommandLine() throws {
    let (change, part) = ("harvest=ring:4096", "qemu: -accel")
    #expect(try copy.verdict(change, part) == .notDone)
    for (options, verdict) in [
      ("kvm,dirty-ring-size=4096", .done), ("kvm,dirty-ring-size=1024", .notDone),
    ] as [(String, StepVerdict)] {
      try copy.run("-accel", options)
      #expect(try copy.verdict(change, part) == verdict)
    }
  }

  @Test func sizesOfQEMUHaveUnits() {
    let line = QEMUCommandLine(arguments: [
      "qemu", "-accel", "kvm,eager-split-size=2M,thread=multi",
    ])
    #expect(line.text(of: .eagerSplit).flatMap(QEMUCommandLine.number) == 2 << 20)
    #expect(
      QEMUCommandLine(arguments: ["-accel", "tcg,eager-split-size=1"]).text(of: .eagerSplit) == nil
    )
    #expect(QEMUCommandLine.number("9223372036854775807T") == nil)
    for text in ["", "M", "2MiB", "two"] { #expect(QEMUCommandLine.number(text) == nil, "\(text)") }
  }

  @Test func whatNoFileShowsCannotBeTold() throws {
    for (change, part) in [
      ("path=process-exit", "end the VMM"), ("slice=2MiB", "munmap(p"), ("chunk=2MiB", "kernel:"),
    ] {
      let found = try copy.check(change, part)
      #expect(found.verdict == .cannotTell && found.reason.contains("no file shows"), "\(found)")
    }
  }

  /// Whatever stands in the files, each is a sentence.
  @Test func hostileFilesAreSentences() throws {
    let huge = [UInt8](repeating: UInt8(ascii: "9"), count: (1 << 21) + 1)
    for path in [
      "/sys/class/net/eth0/threaded", "/proc/irq/45/smp_affinity_list", "/proc/2301/status",
      "/proc/2301/cmdline", "/proc/2301/comm", "/sys/devices/system/cpu/online",
      "/proc/sys/kernel/osrelease",
    ] {
      for bytes in [huge, [0xFF, 0xFE, 0x0A], [0], []] {
        let copy = try HostCopy()
        try copy.write(path, bytes)
        for part in ["ethtool", "irqbalance", "affinity", "taskset"] {
          let found = try copy.check("irq=moved", part)
          #expect(found.readings.allSatisfy { $0.says.count < 200 }, "\(found)")
        }
        #expect(try copy.verdict("napi=threaded", "threaded") != .done)
        _ = try? copy.verdict("clear=2MiB", "qemu: -global")
      }
    }
  }

  @Test func anotherHostThanWasAskedAboutIsSaid() throws {
    func notes() -> [String] {
      HostChecker(HostFiles(FileTree(copy.root)), vmm: .other, interfaces: [])
        .notes(exampleQuestion())
    }
    #expect(notes().isEmpty)
    try copy.write("/proc/sys/kernel/osrelease", "6.12.9\n")
    try copy.write("/sys/devices/system/cpu/online", "0-95\n")
    #expect(notes().count == 2 && notes()[0].contains("6.12.9") && notes()[1].contains("0-95"))
    try copy.write("/proc/sys/kernel/osrelease", "6.10.9\n")
    #expect(notes().count == 2)
  }
}
