/**
 * The colours of every page: CSS variables for light and for dark. Series are Okabe and Ito's, darkened or lightened
 * until they stand out from the page.
 */

export const LIGHT = `
--page:#fbfaf8;--card:#fff;--ink:#1d2126;--faint:#5d6670;--rule:#dfdcd5;--soft:#f1eee8;
--good:#00694f;--bad:#b0370b;--good-soft:#e2f2ec;--bad-soft:#fbe7de;--unclear-soft:#efefec;--stamp:#b3000f;--stamp-ink:#fff;
--blue:#0067a5;--orange:#b87100;--green:#00805f;--purple:#a2457d;--sky:#2c86bd;--red:#c2490a;--yellow:#857700;--grey:#6b7280;`;

export const DARK = `
--page:#15181c;--card:#1c2025;--ink:#e8e6e1;--faint:#9fa8b2;--rule:#353b43;--soft:#252a30;
--good:#4fd1a5;--bad:#ff9166;--good-soft:#15332a;--bad-soft:#3d2318;--unclear-soft:#2a2f36;--stamp:#e0303f;--stamp-ink:#fff;
--blue:#58b4f0;--orange:#f0b040;--green:#3fcf9e;--purple:#e59ac6;--sky:#8fd3f7;--red:#ff8a50;--yellow:#e8dc4a;--grey:#9aa3ad;`;

export const SERIES = ['blue', 'orange', 'green', 'purple', 'sky', 'red', 'yellow', 'grey'];
