/** Imported before oclif, which asks about the user as soon as it is loaded. */
import { standIn } from '../program/home.js';

standIn();
