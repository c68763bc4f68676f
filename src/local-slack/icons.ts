import { createElement as h, type ReactNode } from 'react';

/** Outlines on a 20 × 20 grid. */
const paths = {
  mail: 'M3 5.5h14v9H3zM3.5 6l6.5 5 6.5-5',
  clock: 'M10 3a7 7 0 1 0 0 14a7 7 0 1 0 0-14M10 6v4l2.7 1.8',
  check: 'M4.5 10.5l3.5 3.5 7.5-8',
  close: 'M5 5l10 10M15 5L5 15',
  menu: 'M3 5.5h14M3 10h14M3 14.5h14',
  people:
    'M7.5 9.5a2.8 2.8 0 1 0 0-5.6a2.8 2.8 0 1 0 0 5.6M2.5 16c0-2.8 2-4.3 5-4.3s5 1.5 5 4.3M13 9.3a2.3 2.3 0 1 0-.8-4.4M14.3 11.8c2 .3 3.2 1.7 3.2 4',
  search: 'M9 4a5 5 0 1 0 0 10a5 5 0 1 0 0-10M12.8 12.8L17 17',
  moon: 'M15.8 12.2A6.6 6.6 0 0 1 7.8 4.2a6.6 6.6 0 1 0 8 8z',
  lock: 'M5.5 9h9v7.5h-9zM7 9V6.8a3 3 0 0 1 6 0V9',
  send: 'M3.5 3.5l13.5 6.5-13.5 6.5 1.8-6.5zM5.3 10H11',
  thread: 'M4 4.5h12v8.5H9.5L6 16v-3H4z',
  eye: 'M2.5 10s2.8-4.8 7.5-4.8 7.5 4.8 7.5 4.8-2.8 4.8-7.5 4.8S2.5 10 2.5 10M10 8a2 2 0 1 0 0 4a2 2 0 1 0 0-4',
} as const;

/** A drawing that says nothing to screen readers: its neighbour, or its button's label, does. */
export const icon = (name: keyof typeof paths): ReactNode =>
  h(
    'svg',
    { className: `icon icon-${name}`, viewBox: '0 0 20 20', width: 18, height: 18, 'aria-hidden': true, focusable: false },
    h('path', {
      d: paths[name],
      fill: 'none',
      stroke: 'currentColor',
      strokeWidth: 1.6,
      strokeLinecap: 'round',
      strokeLinejoin: 'round',
    }),
  );
