/** Region of every simulated gateway of the benches. */
export const FLEET_REGION = '330106';
