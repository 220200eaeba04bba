// SPDX-License-Identifier: GPL-3.0-or-later

import Calibration
import Foundation

/// A VMM that runs on a host.
package struct GuestProcess: Hashable, Sendable, Codable {
  /// Which program.
  package let program: VMM
  /// Its process.
  package let process: Int
  /// The guest's memory as QEMU was told it; nil where the command line does not say.
  package let memory: String?
}

extension HostFiles {
  /// The VMMs that this user sees, by their processes.
  package func runningGuests() -> [GuestProcess] {
    let seen = Result { () throws(HostFiles.Silence) in try processes() }
    return HostChecker.guests(seen, self).map { program, process in
      let words = (try? arguments(of: process)) ?? []
      let memory = words.firstIndex(of: "-m").flatMap { $0 + 1 < words.count ? words[$0 + 1] : nil }
      return GuestProcess(program: program, process: process.id, memory: memory)
    }
  }
}

extension HostChecker {
  private static let balancerName = "irqbalance"

  /// Whether no irqbalance runs.
  func balancer() -> Finding {
    guard let seen = try? processes.get() else {
      return Finding(verdict: .cannotTell, reason: Self.sentence(processes))
    }
    let running = seen.all.filter { $0.name == Self.balancerName }
    guard running.isEmpty else {
      return Finding(
        verdict: .notDone,
        reason: "it runs",
        readings: running.map { HostReading(source: "\($0.folder)/comm", says: $0.name) }
      )
    }
    let reading = HostReading(
      source: "/proc/*/comm",
      says: "\(seen.all.count) processes, none of them \(Self.balancerName)"
    )
    guard seen.isWhole else {
      return Finding(verdict: .cannotTell, reason: Self.partial, readings: [reading])
    }
    return Finding(verdict: .done, reason: "it does not run", readings: [reading])
  }

  private static let partial =
    "this user sees only some processes (hidepid, or another namespace of processes)"

  /// The program that each process is, where it is a VMM.
  static func guests(
    _ processes: Result<HostFiles.Processes, HostFiles.Silence>,
    _ host: HostFiles
  ) -> [(program: VMM, process: HostFiles.Process)] {
    guard let seen = try? processes.get() else { return [] }
    let programs = VMM.allCases.filter { $0 != .other }
    return seen.all.compactMap { process in
      let own = programs.first { $0.isNamed(process.name) }
      // QEMU's -name process= gives it another name; its program stays.
      let program =
        own
        ?? (try? host.arguments(of: process).first).flatMap { path in
          let name = path.split(separator: "/").last.map(String.init) ?? ""
          return programs.first { $0.isNamed(name) }
        }
      return program.map { ($0, process) }
    }
  }

  /// The processes of a VMM.
  func guests(of vmm: VMM) -> [HostFiles.Process] {
    guests.filter { vmm == .other || $0.program == vmm }.map(\.process)
  }

  /// One verdict of what each process of a VMM says.
  private func each(
    of vmm: VMM,
    _ judge: (HostFiles.Process) throws(HostFiles.Silence) -> (Finding)
  ) -> Finding {
    guard let seen = try? processes.get() else {
      return Finding(verdict: .cannotTell, reason: Self.sentence(processes))
    }
    let guests = guests(of: vmm)
    guard !guests.isEmpty else {
      let why = seen.isWhole ? "" : "; \(Self.partial)"
      return Finding(verdict: .cannotTell, reason: "no process is named \(vmm.programs)\(why)")
    }
    var found: [Finding] = []
    for process in guests {
      do throws(HostFiles.Silence) {
        found.append(try judge(process))
      } catch {
        found.append(
          Finding(
            verdict: .cannotTell,
            reason: "process \(process.id) does not say",
            readings: [HostReading(error)]
          )
        )
      }
    }
    // The worst decides, and its reason is told.
    let order: [StepVerdict] = [.notDone, .cannotTell, .done]
    let worst = order.lazy.compactMap { verdict in found.first { $0.verdict == verdict } }.first
    return Finding(
      verdict: worst?.verdict ?? .cannotTell,
      reason: worst?.reason ?? "",
      readings: found.flatMap(\.readings)
    )
  }

  /// Whether the guests' programs run where no interrupt of the interfaces comes; where every CPU gets
  /// one, whether each is on one CPU.
  func pinned() -> Finding {
    let interrupts = interrupts()
    let free = freeCPUs(interrupts)
    return each(of: vmm) { process throws(HostFiles.Silence) in
      let cpus = try host.allowedCPUs(of: process)
      var found = Finding(
        verdict: .cannotTell,
        reason: "",
        readings: [
          HostReading(
            source: "\(process.folder)/status",
            says: "\(HostFiles.allowed) \(Self.quoted("\(cpus)")) (\(process.name))"
          )
        ]
      )
      guard let online = try? online.get(), let free else {
        found.reason = "which CPUs there are: \(Self.sentence(self.online))"
        return found
      }
      let list = Self.quoted("\(cpus)")
      if free.numbers.isEmpty || cpus.numbers.isSuperset(of: online.numbers) {
        found.verdict = cpus.numbers.count == 1 ? .done : .notDone
        found.reason =
          "process \(process.id) may run on \(cpus.numbers.count == 1 ? "CPU" : "CPUs") \(list)"
      } else if !free.numbers.isSuperset(of: cpus.numbers) {
        found.verdict = .notDone
        found.reason = "process \(process.id) may run on CPUs \(list), some with interrupts"
      } else if interrupts.isWhole {
        found.verdict = .done
        found.reason = "process \(process.id) runs on CPUs \(list), without those interrupts"
      } else {
        found.reason = "not every interrupt says where it comes"
      }
      return found
    }
  }

  /// Whether every QEMU has an option with a value.
  func qemu(_ option: QEMUOption, _ wanted: Int64) -> Finding {
    each(of: .qemu) { process throws(HostFiles.Silence) in
      let path = process.folder + "/cmdline"
      let line = QEMUCommandLine(arguments: try host.arguments(of: process))
      guard let text = line.text(of: option) else {
        let says = "no \(option.name); QEMU's own is \(option.standard)"
        var found = Finding(
          verdict: option.standard == wanted ? .done : .notDone,
          reason: "process \(process.id) has QEMU's own value",
          readings: [HostReading(source: path, says: says)]
        )
        if line.readsConfiguration {
          found.verdict = .cannotTell
          found.reason = "process \(process.id) reads more options from a file (-readconfig)"
        }
        return found
      }
      let says = "\(option.name)=\(Self.quoted(text))"
      let readings = [HostReading(source: path, says: says)]
      guard let number = QEMUCommandLine.number(text) else {
        let reason = "the value of process \(process.id) is no size that is understood"
        return Finding(verdict: .cannotTell, reason: reason, readings: readings)
      }
      return Finding(
        verdict: number == wanted ? .done : .notDone,
        reason: "process \(process.id) has \(number == wanted ? "it" : "another value")",
        readings: readings
      )
    }
  }
}
