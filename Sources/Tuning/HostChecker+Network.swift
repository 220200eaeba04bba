// SPDX-License-Identifier: GPL-3.0-or-later

import Calibration
import Foundation

extension HostChecker {
  /// Whether every interface polls where it should.
  func threading(_ isThreaded: Bool) -> Finding {
    each { interface throws(HostFiles.Silence) in
      let path = "\(HostFiles.interfaces)/\(interface)/threaded"
      let text = try host.value(path)
      guard let number = Int(text) else {
        throw HostFiles.Silence(path: path, "'\(Self.quoted(text))' is no number")
      }
      return ((number != 0) == isThreaded, HostReading(source: path, says: text))
    }
  }

  /// Whether a CPU is left without a queue of every interface.
  func queues(atMost most: Int) -> Finding {
    // What the host has counts, where it can be seen; the step was written for the profile's.
    let most = (try? online.get()).map { max(1, $0.numbers.count - 1) } ?? most
    return each { interface throws(HostFiles.Silence) in
      let count = try host.receiveQueues(of: interface)
      let path = "\(HostFiles.interfaces)/\(interface)/queues"
      return (count <= most, HostReading(source: path, says: "\(count) rx, at most \(most) wanted"))
    }
  }

  /// One verdict of what each interface says.
  private func each(
    _ judge: (String) throws(HostFiles.Silence) -> (isDone: Bool, HostReading)
  ) -> Finding {
    guard let names = try? interfaces.get(), !names.isEmpty else {
      return Finding(verdict: .cannotTell, reason: missing)
    }
    var (readings, undone, silent): ([HostReading], [String], [String]) = ([], [], [])
    for name in names {
      do throws(HostFiles.Silence) {
        let (isDone, reading) = try judge(name)
        readings.append(reading)
        if !isDone { undone.append(name) }
      } catch {
        readings.append(HostReading(error))
        silent.append(name)
      }
    }
    let list = { (names: [String]) in Self.quoted(names.joined(separator: ", ")) }
    if !undone.isEmpty {
      return Finding(verdict: .notDone, reason: "not on \(list(undone))", readings: readings)
    }
    if !silent.isEmpty {
      return Finding(
        verdict: .cannotTell,
        reason: "\(list(silent)) does not say",
        readings: readings
      )
    }
    return Finding(verdict: .done, reason: "on \(list(names))", readings: readings)
  }

  /// Why there is no interface to look at.
  private var missing: String {
    let why = Self.sentence(interfaces)
    guard why.isEmpty else { return why }
    return "no interface in \(HostFiles.interfaces) has a device; name one by --interface"
  }

  /// Where the interrupts of the interfaces may come.
  struct Interrupts {
    /// The CPUs to which one may come.
    var cpus = NumberList(IndexSet())
    /// Lists that differ from each other.
    var lists: Set<NumberList> = []
    /// Whether every interrupt has said where it may come.
    var isWhole = true
    var readings: [HostReading] = []
  }

  /// The interrupts of all interfaces.
  func interrupts() -> Interrupts {
    var all = Interrupts()
    guard let names = try? interfaces.get(), !names.isEmpty else {
      all.isWhole = false
      return all
    }
    for name in names {
      do throws(HostFiles.Silence) {
        let affinity = try host.affinity(of: name)
        for group in affinity.groups {
          all.cpus.numbers.formUnion(group.cpus.numbers)
          all.lists.insert(group.cpus)
          let several = group.interrupts.numbers.count > 1
          let place = several ? "{\(group.interrupts)}" : "\(group.interrupts)"
          all.readings.append(
            HostReading(
              source: "/proc/irq/\(Self.quoted(place))/smp_affinity_list",
              says: Self.quoted("\(group.cpus) (\(name))")
            )
          )
        }
        all.readings += affinity.silences.map(HostReading.init)
        if !affinity.silences.isEmpty { all.isWhole = false }
      } catch {
        all.readings.append(HostReading(error))
        all.isWhole = false
      }
    }
    return all
  }

  /// The CPUs to which no interrupt of the interfaces comes, as far as they have said; nil where it is
  /// not known which CPUs there are.
  func freeCPUs(_ interrupts: Interrupts) -> NumberList? {
    (try? online.get()).map { NumberList($0.numbers.subtracting(interrupts.cpus.numbers)) }
  }

  /// Whether some CPU gets no interrupt of a network device.
  func apart() -> Finding {
    let all = interrupts()
    var found = Finding(verdict: .cannotTell, reason: "", readings: all.readings)
    guard let free = freeCPUs(all) else {
      found.reason = "which CPUs there are: \(HostChecker.sentence(online))"
      return found
    }
    guard !free.numbers.isEmpty else {
      (found.verdict, found.reason) = (.notDone, "every CPU may get one of the interrupts")
      return found
    }
    guard all.isWhole else {
      found.reason = all.readings.isEmpty ? missing : "not every interrupt says where it comes"
      return found
    }
    (found.verdict, found.reason) = (
      .done, "CPUs without one of the interrupts: \(Self.quoted("\(free)"))"
    )
    return found
  }

  /// Whether all interrupts come to one CPU.
  func together() -> Finding {
    let all = interrupts()
    guard all.lists.count <= 1, all.cpus.numbers.count <= 1 else {
      return Finding(
        verdict: .notDone,
        reason: "the interrupts may come to CPUs \(Self.quoted("\(all.cpus)"))",
        readings: all.readings
      )
    }
    guard all.isWhole else {
      let reason = all.readings.isEmpty ? missing : "not every interrupt says where it comes"
      return Finding(verdict: .cannotTell, reason: reason, readings: all.readings)
    }
    return Finding(verdict: .done, reason: "all on CPU \(all.cpus)", readings: all.readings)
  }

  /// Why something is not known.
  static func sentence(_ result: Result<some Any, HostFiles.Silence>) -> String {
    if case .failure(let silence) = result { silence.description } else { "" }
  }
}
