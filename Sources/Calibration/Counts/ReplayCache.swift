// SPDX-License-Identifier: GPL-3.0-or-later

import PageTables
import Quantities

/// A row's phase as the replay lived it.
struct ReplayedPhase {
  let phase: CapturedPhase
  var counts: EventCounts
  /// One map of a leaf on this machine, by the level of the leaf; nil where the tables have none.
  let map: [EventCounts]
}

extension ReplayedPhase {
  /// Adds the maps that a row has though no step of its phase lets the guest run.
  ///
  /// They are those of a fault that began before the phase: at most two, more are a difference.
  ///
  /// - Returns: How many were added.
  mutating func mapsAhead(of row: CountsRow) -> Int64 {
    let maps = row.counts.mapCalls
    guard (1...2).contains(maps), counts.mapCalls == 0, counts.guestAborts == 0 else { return 0 }
    guard let one = map.first(where: { $0.mapVisits * maps == row.counts.mapVisits }) ?? map.last
    else { return 0 }
    for _ in 0..<maps { counts += one }
    return maps
  }
}

/// Replays by VM and series, so that each life is lived once.
struct ReplayCache {
  private struct Key: Hashable {
    let vm: CapturedVM
    let series: CapturedSeries
  }

  private var lives: [Key: Result<[CapturedPhase: EventCounts], ReplayRefusal>] = [:]
  private var maps: [CapturedVM: [EventCounts]] = [:]
  private var phases: [Key: [CapturedPhase]] = [:]
  private var errata: [String: CPUFeatures] = [:]
  private(set) var inferred: [String] = []

  init(_ counts: KernelCounts) {
    for row in counts.rows { infer(row, counts.rows) }
    for row in counts.rows {
      guard let phase = try? CapturedPhase(row.phase) else { continue }
      let key = key(row, phase)
      if phases[key]?.contains(phase) != true { phases[key, default: []].append(phase) }
    }
  }

  /// Reads the errata of a machine off its rows, where they are not known of its core, or where
  /// they are a matter of updates and the kernel's name does not say its own.
  private mutating func infer(_ row: CountsRow, _ rows: [CountsRow]) {
    guard errata[row.machine] == nil else { return }
    var features = row.features
    let isUpdateKnown =
      row.release.patch > 0 || !CoreErrata.dependsOnUpdate(core: row.core, row.release)
    let mine = rows.filter { $0.machine == row.machine }
    var isInferred = false
    if !isUpdateKnown || CoreErrata.has(\.repeatTLBISync, core: row.core, on: row.release) == nil,
      let repeats = mine.lazy.compactMap(\.repeatsSync).first
    {
      features.repeatTLBISync = repeats
      isInferred = true
    }
    if CoreErrata.has(\.speculativeAT, core: row.core, on: row.release) == nil,
      let shows = mine.lazy.compactMap(\.showsSpeculativeAT).first
    {
      features.speculativeAT = shows
      isInferred = true
    }
    errata[row.machine] = features
    if isInferred { inferred.append(row.machine) }
  }

  private func key(_ row: CountsRow, _ phase: CapturedPhase) -> Key {
    var features = row.features
    if let known = errata[row.machine] {
      features.repeatTLBISync = known.repeatTLBISync
      features.speculativeAT = known.speculativeAT
    }
    return Key(vm: CapturedVM(row, features: features), series: phase.series)
  }

  mutating func counts(_ row: CountsRow) -> Result<ReplayedPhase, ReplayRefusal> {
    let phase: CapturedPhase
    do {
      phase = try CapturedPhase(row.phase)
    } catch {
      return .failure(error)
    }
    let key = key(row, phase)
    let life = lives[key] ?? live(key)
    lives[key] = life
    if maps[key.vm] == nil { maps[key.vm] = Self.oneMap(key.vm) }
    return life.flatMap { lived in
      guard let counts = lived[phase] else {
        return .failure(ReplayRefusal(text: "the phase was not lived"))
      }
      return .success(ReplayedPhase(phase: phase, counts: counts, map: maps[key.vm] ?? []))
    }
  }

  private func live(_ key: Key) -> Result<[CapturedPhase: EventCounts], ReplayRefusal> {
    do {
      return .success(try PhaseReplay(key.vm, key.series, phases: phases[key] ?? []).counts)
    } catch {
      return .failure(ReplayRefusal(text: error.description))
    }
  }

  /// What one fault that maps counts, for the leaf of the memory and for a page.
  private static func oneMap(_ vm: CapturedVM) -> [EventCounts] {
    [vm.hostLevel, 3].compactMap { level in
      let size = vm.granule.entrySize(level: level)
      let range = AddressRange(start: GuestAddress(rawValue: 1 << 30), size: size)
      let access = GuestAccess(range: range, stride: size, isWrite: true)
      guard let rules = try? StageTwoRules(vm.release, vm.features),
        let geometry = try? StageTwoGeometry(granule: vm.granule, ipaBits: vm.ipaBits)
      else { return nil }
      var tables = StageTwo(geometry: geometry)
      return try? tables.touch(access, in: MemorySlot(range: range, hostLevel: level), rules)
    }
  }
}
