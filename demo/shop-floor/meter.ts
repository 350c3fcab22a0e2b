/** What a meter shows at a moment. A function of the time alone: the counter goes on where it was after each start. */
export interface MeterReading {
  voltages: [number, number, number];
  currents: [number, number, number];
  /** In kW. */
  power: number;
  powerFactor: number;
  frequency: number;
  /** In kWh, since the meter was put in. */
  energy: number;
}

const INSTALLED_AT = Date.UTC(2026, 0, 1);
const MEAN_KW = 84;
/** The load of the plant: compressors, ovens and the line come and go. Amplitude in kW, period in seconds. */
const LOADS = [
  [28, 300],
  [9, 47],
  [3, 7],
] as const;
/** As many as `writeRegisters` fills. */
export const REGISTERS = 32;

export function readMeter(at: number): MeterReading {
  const seconds = (at - INSTALLED_AT) / 1000;
  const turn = (period: number) => (2 * Math.PI * seconds) / period;
  const power = LOADS.reduce((sum, [kw, period]) => sum + kw * Math.sin(turn(period)), MEAN_KW);
  const integral = LOADS.reduce(
    (sum, [kw, period]) => sum + ((kw * period) / (2 * Math.PI)) * (1 - Math.cos(turn(period))),
    MEAN_KW * seconds,
  );
  const powerFactor = 0.93 + 0.03 * Math.sin(turn(113));
  const voltages = [0, 1, 2].map((phase) => 230 - power / 60 + 1.2 * Math.sin(turn(19) + phase * 2.1));
  const currents = voltages.map((volt, phase) => (power * 1000 * (1 + 0.05 * (phase - 1))) / 3 / volt / powerFactor);
  return {
    voltages: voltages as MeterReading['voltages'],
    currents: currents as MeterReading['currents'],
    power,
    powerFactor,
    frequency: 60 + 0.02 * Math.sin(turn(31)),
    energy: integral / 3600,
  };
}

/**
 * As input registers, in the mixture that meters have: floats, the power as an integer of hundredths, the counter as hundredths
 * with its words swapped.
 */
export function writeRegisters(registers: Buffer, reading: MeterReading): void {
  const { voltages, currents, power, powerFactor, frequency, energy } = reading;
  for (const [index, value] of [...voltages, ...currents].entries()) registers.writeFloatBE(value, index * 4);
  registers.writeInt32BE(Math.round(power * 100), 24);
  registers.writeFloatBE(powerFactor, 28);
  registers.writeFloatBE(frequency, 32);
  const hundredths = Math.round(energy * 100);
  registers.writeUInt16BE(hundredths % 65_536, 60);
  registers.writeUInt16BE(Math.floor(hundredths / 65_536), 62);
}
