import { testLessons } from "./lessons.ts";

testLessons(1);
