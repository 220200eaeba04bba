// SPDX-License-Identifier: GPL-3.0-or-later

import Calibration

/// What a host shows of a step once it is done.
enum StepTrace: Hashable, Sendable {
  /// Whether the interfaces poll in a thread.
  case threadedNAPI(Bool)
  /// Queues of an interface, so that a CPU is left without one.
  case queues(atMost: Int)
  /// No irqbalance that would move interrupts back.
  case noBalancer
  /// A CPU to which no interrupt of a network device may come.
  case interruptsApart
  /// One CPU to which all interrupts of a network device come.
  case interruptsTogether
  /// The guest's program on CPUs without those interrupts.
  case pinned
  /// An option of QEMU and its value.
  case qemu(QEMUOption, Int64)
  /// A call that the guest's program will make: nothing.
  case call
  /// A capability that the guest's program has asked for: nothing.
  case capability
  /// A change of the kernel's source: its release at most.
  case source
}

/// A step with what a host shows of it.
struct PlannedStep: Hashable, Sendable {
  let step: ApplyStep
  let trace: StepTrace
}

/// An option of QEMU that a step sets.
enum QEMUOption: Hashable, Sendable {
  /// `-accel kvm,eager-split-size=`, in bytes.
  case eagerSplit
  /// `-global migration.x-clear-bitmap-shift=`, the logarithm of pages of 4 KiB.
  case clearShift
  /// `-accel kvm,dirty-ring-size=`, in entries of a vCPU's ring; zero is the bitmap.
  case dirtyRing

  /// What QEMU takes where nobody sets it.
  var standard: Int64 {
    switch self {
    case .eagerSplit, .dirtyRing: 0
    case .clearShift: Int64(QEMUClearRange.standard.shift)
    }
  }

  /// The option's name.
  var name: String {
    switch self {
    case .eagerSplit: "eager-split-size"
    case .clearShift: "x-clear-bitmap-shift"
    case .dirtyRing: "dirty-ring-size"
    }
  }
}

/// The options of a QEMU process.
struct QEMUCommandLine {
  let arguments: [String]

  /// The text of an option's value, the last where it is set more than once; nil where it is not set.
  func text(of option: QEMUOption) -> String? {
    var found: String?
    for (word, value) in zip(arguments, arguments.dropFirst()) {
      let parts = value.split(separator: ",").map(String.init)
      switch (option, word) {
      case (.eagerSplit, "-accel"), (.eagerSplit, "--accel"), (.dirtyRing, "-accel"),
        (.dirtyRing, "--accel"):
        guard parts.first == "kvm" || parts.contains("accel=kvm") else { continue }
        found = Self.value(after: option.name, in: parts) ?? found
      case (.clearShift, "-global"), (.clearShift, "--global"):
        let isLong = parts.contains("driver=migration") && parts.contains("property=\(option.name)")
        let key = isLong ? "value" : "migration.\(option.name)"
        found = Self.value(after: key, in: parts) ?? found
      default: continue
      }
    }
    return found
  }

  /// Whether options may stand in a file that the command line names.
  var readsConfiguration: Bool {
    arguments.contains { $0.drop { $0 == "-" } == "readconfig" && $0.hasPrefix("-") }
  }

  private static func value(after key: String, in parts: [String]) -> String? {
    parts.last { $0.hasPrefix(key + "=") }.map { String($0.dropFirst(key.count + 1)) }
  }

  /// A size as QEMU reads it, such as `2M` or `2097152`; nil where it is none.
  static func number(_ text: String) -> Int64? {
    let scales: [Character: Int64] = [
      "b": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40,
    ]
    let scale = text.last.flatMap { scales[Character($0.lowercased())] }
    guard let number = Int64(scale == nil ? text : String(text.dropLast())) else { return nil }
    let (product, overflows) = number.multipliedReportingOverflow(by: scale ?? 1)
    return overflows ? nil : product
  }
}

extension VMM {
  /// Whether a process's or a program's name is this VMM's; the kernel keeps 15 bytes of it.
  func isNamed(_ name: String) -> Bool {
    switch self {
    case .qemu: name.hasPrefix("qemu-system-") || name == "qemu-kvm"
    case .cloudHypervisor, .firecracker, .crosvm: name == rawValue || name == rawValue.prefix(15)
    case .other: false
    }
  }

  /// The names that are looked for.
  var programs: String {
    switch self {
    case .qemu: "qemu-system-* or qemu-kvm"
    case .cloudHypervisor, .firecracker, .crosvm: rawValue
    case .other:
      "qemu-system-*, qemu-kvm, "
        + VMM.allCases.filter { $0 != .other && $0 != .qemu }.map(\.rawValue)
        .joined(separator: ", ")
    }
  }
}
