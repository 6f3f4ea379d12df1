import type {Config} from '@docusaurus/types';

const config: Config = {
  title: 'Tide Notes',
  tagline: 'What the sea does',
  url: process.env.SITE_URL || 'https://tides.example.org',
  baseUrl: '/',
  trailingSlash: false,
  presets: [['classic', {docs: false, blog: {routeBasePath: 'notes', blogTitle: 'Notes'}}]],
};

export default config;
